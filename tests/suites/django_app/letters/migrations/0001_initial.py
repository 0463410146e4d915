from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Letter",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sid", models.CharField(max_length=34, null=True, unique=True)),
                ("number", models.CharField(max_length=40)),
                ("document", models.URLField(max_length=2000)),
                ("incoming", models.BooleanField(default=False)),
                ("status", models.CharField(default="new", max_length=20)),
                ("pages", models.IntegerField(null=True)),
            ],
        )
    ]
