"""Something to have rights on, and users with an e-mail and a phone in place of a username."""

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone


class Article(models.Model):
    class Meta:
        permissions = [("publish_article", "Can publish article")]


class Sessions(models.Model):
    """Called like something that authsrv guards."""


class CustomerManager(BaseUserManager):
    def get_by_natural_key(self, email):
        return self.get(email=email)


class Customer(AbstractBaseUser, PermissionsMixin):
    class Meta:
        # Only there where it is the user model.
        abstract = settings.AUTH_USER_MODEL != "shop.Customer"

    email = models.EmailField(unique=True, null=True)
    phone = models.CharField(max_length=32, null=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    objects = CustomerManager()
