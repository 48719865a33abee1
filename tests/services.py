"""Do PostgreSQL and Redis answer? `python -m tests.services DATABASE_URL REDIS_URL` exits 0 if both do."""

import sys

import psycopg
import redis


def main() -> int:
    database_url, redis_url = sys.argv[1:]
    try:
        psycopg.connect(database_url.replace("postgres://", "postgresql://"), connect_timeout=3).close()
        redis.Redis.from_url(redis_url, socket_connect_timeout=3).ping()
    except (psycopg.OperationalError, redis.exceptions.ConnectionError) as error:
        print(f"SKIPPED: the tests on PostgreSQL and Redis ({' '.join(str(error).split())[:120]})")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
