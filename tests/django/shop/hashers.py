"""Django's hashers with the least work, so that tests are quick."""

from django.contrib.auth import hashers


class Pbkdf2(hashers.PBKDF2PasswordHasher):
    iterations = 1000


class Pbkdf2Sha1(hashers.PBKDF2SHA1PasswordHasher):
    iterations = 1000


class Argon2(hashers.Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 64
    parallelism = 2


class BcryptSha256(hashers.BCryptSHA256PasswordHasher):
    rounds = 4


class Bcrypt(hashers.BCryptPasswordHasher):
    rounds = 4


class Scrypt(hashers.ScryptPasswordHasher):
    work_factor = 16
