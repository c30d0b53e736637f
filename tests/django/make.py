"""Makes the database of a small Django site, and its dumps, as `users import django` is to read them.

    python make.py stock|custom FOLDER [many]

writes db.sqlite3, keys.json (`dumpdata`) and names.json (`dumpdata` with natural keys) into FOLDER. `stock` has the user
model that comes with Django, `custom` one of its own, with e-mail and phone in place of a username. With `many` there are
a thousand users more.
"""

import sys
from datetime import datetime, timezone
from pathlib import Path

import django
from django.conf import settings

kind, folder = sys.argv[1], Path(sys.argv[2])
sys.path.insert(0, str(Path(__file__).parent))
settings.configure(
    SECRET_KEY="for tests only",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "shop"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}},
    AUTH_USER_MODEL="shop.Customer" if kind == "custom" else "auth.User",
    PASSWORD_HASHERS=["shop.hashers." + name for name in ("Pbkdf2", "Pbkdf2Sha1", "Argon2", "BcryptSha256", "Bcrypt", "Scrypt")]
    + ["django.contrib.auth.hashers.MD5PasswordHasher"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password  # noqa: E402
from django.contrib.auth.models import Group, Permission  # noqa: E402
from django.core.management import call_command  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)

User = get_user_model()
# A dump knows of no microseconds.
joined = datetime(2019, 5, 17, 8, 30, 15, 123000, tzinfo=timezone.utc)


def permission(codename, model):
    return Permission.objects.get(codename=codename, content_type__model=model)


editors = Group.objects.create(name="Editors")
editors.permissions.add(
    *(permission(verb + "_article", "article") for verb in ("add", "view", "change", "delete", "publish"))
)
# Their names are those of a role and a resource that mean something else here.
admin = Group.objects.create(name="Admin")
admin.permissions.add(permission("view_sessions", "sessions"))
readers = Group.objects.create(name="Читатели")
readers.permissions.add(permission("view_article", "article"))


def add(name, password, *groups, **fields):
    if kind == "custom":
        fields.setdefault("email", name + "@example.com")
    else:
        fields.setdefault("username", name)
    user = User(date_joined=joined, **fields)
    user.password = password
    user.save()
    user.groups.add(*groups)
    return user


for algorithm in ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"):
    add(algorithm, make_password("old secret of " + algorithm, hasher=algorithm), editors, last_name="Иванова")
add("md5", make_password("old secret of md5", hasher="md5"))
add("nobody", make_password(None))
add("gone", make_password("old secret of gone"), is_active=False)
add("root", make_password("old secret of root"), admin, is_staff=True, is_superuser=True, last_login=joined)
# As Django itself would store it today.
add("today", PBKDF2PasswordHasher().encode("old secret of today", "0123456789abcdefghijkl"), readers)
# The letter é, typed as two.
add("accent", make_password("cafe\u0301 noir"))
bell = add("bell", make_password("old secret of bell"), first_name="\x1b[31mBell\u202e\x07")
bell.user_permissions.add(permission("view_article", "article"))
if kind == "custom":
    add("phone", make_password("old secret of phone"), email=None, phone="+7 (912) 345-67-89")
    add("again", make_password("old secret of again"), email="ROOT@EXAMPLE.COM")
    add("odd", make_password("old secret of odd"), email="odd@example.com", phone="8-800")
else:
    add("Ann", make_password("old secret of Ann"), email="ann@example.com")
    add("ANN", make_password("old secret of ANN"), email="other@example.com")
    add("alone", make_password("old secret of alone"), email="ann@EXAMPLE.com")
if sys.argv[3:] == ["many"]:
    password = make_password("old secret of many")
    field = "email" if kind == "custom" else "username"
    name = "many{}@example.com" if kind == "custom" else "many{}"
    User.objects.bulk_create(
        User(**{field: name.format(at)}, password=password, date_joined=joined) for at in range(1000)
    )

call_command("dumpdata", "auth", "contenttypes", "shop", output=str(folder / "keys.json"), verbosity=0)
call_command(
    "dumpdata", "auth", "shop", natural_foreign=True, natural_primary=True, output=str(folder / "names.json"), verbosity=0
)
