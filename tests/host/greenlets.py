"""greenlets.py: coroutines whose stacks are copied away and back, with hooked calls on each."""

import sys

import greenlet

ROUNDS, ROUTINES = 300, 20


def deep(n, step):
    """Switches away from the bottom of some calls of the interpreter's own functions."""
    if n == 0:
        return main.switch(step)
    return sorted([n, n - 1], key=lambda i: -i)[0] * 0 + max([step], key=lambda i: deep(n - 1, i))


def routine(number):
    total = 0
    for step in range(ROUNDS):
        total += deep(number % 5, step)
        try:
            deep(0, step)
            if step % 7 == 0:
                raise ValueError(step)
        except ValueError as error:
            total += error.args[0]
    return total


main = greenlet.getcurrent()
routines = [greenlet.greenlet(routine) for _ in range(ROUTINES)]
total = 0
for number, one in enumerate(routines):
    one.switch(number)
while any(not one.dead for one in routines):
    for one in routines:
        if not one.dead:
            total += one.switch(1) or 0
print(total)
sys.exit(total % 256)
