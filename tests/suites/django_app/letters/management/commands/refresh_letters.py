from django.core.management.base import BaseCommand

from letters.services import refresh_all


class Command(BaseCommand):
    help = "Ask Twilio about the letters that are under way."

    def handle(self, *args, **options):
        self.stdout.write("{} done".format(refresh_all()))
