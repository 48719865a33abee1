from workers.management.base import import_command

Command = import_command("pairs")
