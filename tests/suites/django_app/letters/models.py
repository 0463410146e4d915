from django.db import models


class Letter(models.Model):
    """A letter on its way by fax, or one that came."""

    sid = models.CharField(max_length=34, unique=True, null=True)
    number = models.CharField(max_length=40)
    document = models.URLField(max_length=2000)
    incoming = models.BooleanField(default=False)
    status = models.CharField(max_length=20, default="new")
    pages = models.IntegerField(null=True)

    PENDING = ("queued", "processing", "sending")
