"""Who sends the requests that schemathesis makes up: a superuser, signed in, whatever became of the one before.

Some of the requests end sessions, set passwords or delete users, as they should. So before each it is asked whether the
token is still good; if not, somebody signs in again, and the next of some superusers where the one before cannot.
"""

import json
import os
import urllib.error
import urllib.request

import schemathesis

SERVER = os.environ["AUTHSRV_URL"]
SUPERUSERS = os.environ["AUTHSRV_SUPERUSERS"].split(",")
PASSWORD = os.environ["AUTHSRV_PASSWORD"]

# A proxy of the caller's would keep us from a server on this machine.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    try:
        with opener.open(urllib.request.Request(SERVER + path, data, headers), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, None


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    token = None

    def is_good(self):
        return self.token and ask("/me/", headers={"Authorization": "Bearer " + self.token})[0] == 200

    def get(self, case, context):
        if not self.is_good():
            for email in SUPERUSERS:
                status, answer = ask("/login/", {"email": email, "password": PASSWORD})
                if status == 200:
                    SignedIn.token = answer["access"]
                    break
            else:
                raise RuntimeError("no superuser is left who can sign in")
        return self.token

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": "Bearer " + data}
