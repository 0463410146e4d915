import os

SECRET_KEY = "only for the tests"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "office.example.com"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "letters"]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "office.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True

TWILIO_ACCOUNT_SID = os.environ.get("TWILIO_ACCOUNT_SID", "AC" + "2" * 32)
TWILIO_AUTH_TOKEN = os.environ.get("TWILIO_AUTH_TOKEN", "django-token")
FAX_NUMBER = "+15005550006"
