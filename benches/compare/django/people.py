"""Makes the tables, and people who all have one password; prints their names."""

import os
import sys

import django
from django.core.management import call_command

django.setup()

from django.contrib.auth.models import User  # noqa: E402

call_command("migrate", verbosity=0)
password, count = os.environ["COMPARE_PASSWORD"], int(sys.argv[1])
for number in range(count):
    User.objects.create_user(f"user-{number:04}", f"user-{number:04}@example.com", password)
