#!/usr/bin/env python3
"""Writes a click log `user_id,item_id,timestamp` of any size, the same bytes for the same arguments.

Items are drawn with a long tail (a few are clicked very often), users likewise but flatter; rows come in no order, which
is the hard case for a program that groups clicks by user and sorts them by time.

Usage: generate_clicks.py OUTPUT.csv [--rows 20000000] [--users 200000] [--items 1000000] [--seed 1]
"""
import argparse

import numpy

ROWS_PER_CHUNK = 1_000_000
FIRST_SECOND, NUM_SECONDS = 1_600_000_000, 30_000_000


def long_tail(random, count, size, exponent):
    """`size` ids in 1..count; density falls as rank^-exponent (inverse of the continuous distribution function)."""
    uniform = random.random(size)
    top = count ** (1.0 - exponent)
    ranks = ((top - 1.0) * uniform + 1.0) ** (1.0 / (1.0 - exponent))
    return numpy.minimum(ranks.astype(numpy.int64), count)


def digits(values, width):
    """[n, width] decimal digits as bytes, leading zeros kept."""
    powers = 10 ** numpy.arange(width - 1, -1, -1, dtype=numpy.int64)
    return (values[:, None] // powers % 10 + ord("0")).astype(numpy.uint8)


def chunk_bytes(random, args, size):
    # Popular ids are spread over the whole range by a multiplication that is a bijection modulo a prime-free count.
    users = (long_tail(random, args.users, size, 0.3) * 7919) % args.users + 10 ** (len(str(args.users)) - 1)
    items = (long_tail(random, args.items, size, 0.7) * 104729) % args.items + 10 ** (len(str(args.items)) - 1)
    times = FIRST_SECOND + random.integers(0, NUM_SECONDS, size)
    comma = numpy.full((size, 1), ord(","), numpy.uint8)
    newline = numpy.full((size, 1), ord("\n"), numpy.uint8)
    columns = [digits(users, len(str(users.max()))), comma, digits(items, len(str(items.max()))), comma, digits(times, 10)]
    return numpy.hstack(columns + [newline]).tobytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random = numpy.random.Generator(numpy.random.PCG64(args.seed))
    with open(args.output, "wb") as output:
        output.write(b"user_id,item_id,timestamp\n")
        for start in range(0, args.rows, ROWS_PER_CHUNK):
            output.write(chunk_bytes(random, args, min(ROWS_PER_CHUNK, args.rows - start)))


if __name__ == "__main__":
    main()
