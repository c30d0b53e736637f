"""Django's argon2 at the cost of the product."""

import os

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    memory_cost = int(os.environ["COMPARE_MEMORY_KIB"])
    time_cost = int(os.environ["COMPARE_PASSES"])
    parallelism = 1
