"""The site has no models of its own. Django tells an app that the database is migrated only if it has this module."""
