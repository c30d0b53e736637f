"""The one app of the small Django site that the tests import users from."""
