"""
Programs that retry by themselves, on a Telnyx that fails in every way: is any fax sent twice?

    python benchmarks/never_twice_soak.py            # 20,000 sends, some minutes
    python benchmarks/never_twice_soak.py 1000       # fewer

Masters fork workers, workers have threads, and each thread sends one fax of its own after another. It
tries up to four times on 429 and 5xx, at once or after a pause. The server (tests/fakes/telnyx) kills
workers with SIGKILL before and after it accepts their fax; a new worker does again what its journal
does not have an end for. All share one SQLite ledger. Times are a fiftieth of the real ones: 1.2
seconds of late acceptance are 60.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fakes.telnyx import OK, FakeTelnyx, Post  # noqa: E402

SENDS, MASTERS, WORKERS, THREADS = 20_000, 2, 2, 6
DAYS = 2 * 86400.0
LATE = 1.2
ROUNDS = (
    {"skew": DAYS, "lag": 0.12},
    {"skew": -DAYS, "shows_state": False},
    {"skew": 0.0, "lag": 0.05},
    {"skew": 1200.0, "shows_state": False, "shows_state_alone": False},
)
"""What the server is like, for a part of the sends each."""

CHOICES = (
    (50, lambda _random: OK),
    *(
        (2, lambda _random, how=how: Post(answer=how))
        for how in ("drop", "close", "cut", "hang", 500, 502, 504, 408, 302)
    ),
    (2, lambda _random: Post(answer=503, is_telnyx=True)),
    (2, lambda _random: Post(answer=202, body=b"{")),
    (2, lambda _random: Post(answer=202, body=b'{"data": {"id": ""}}')),
    *(
        (2, lambda random, how=how: Post(random.uniform(0, LATE), how))
        for how in ("drop", "hang", 502, 504)
    ),
    *((2, lambda _random, how=how: Post(None, how)) for how in ("drop", "hang", 502, 408)),
    (3, lambda _random: Post(None, 500, is_telnyx=True)),
    (3, lambda _random: Post(None, 429, headers={"Retry-After": "0.01"})),
)


class Server:
    """The fake, which chooses what becomes of each request, and kills workers."""

    def __init__(self, seed, telnyx):
        self.random, self.telnyx = Random(seed), telnyx
        self.lock = threading.Lock()
        self.posted = []
        self.killed = 0
        self.down_until = 0.0
        telnyx.choose = self.choose

    def choose(self, body):
        with self.lock:
            weights = [weight for weight, _ in CHOICES]
            plan = self.random.choices(CHOICES, weights)[0][1](self.random)
            kills = self.random.random() < 0.02
            if self.random.random() < 0.01:
                # The lists are down for a moment.
                self.down_until = time.time() + self.random.uniform(0.05, 0.4)
            self.posted.append(
                (number_of(body["media_url"]), time.time(), plan, body["connection_id"])
            )
            if kills:
                self.killed += 1
        self.telnyx.lists_down = 503 if time.time() < self.down_until else None
        if kills:
            os.kill(int(body["connection_id"]), signal.SIGKILL)
        return plan


# The programs


def retried(client, number, random, note):
    """Send fax *number* as programs of the Twilio years do."""
    from twilio_fax_compat.base.exceptions import TwilioRestException

    for attempt in range(4):
        try:
            fax = client.fax.faxes.create(
                f"+1500{number:07}", f"https://www.example.com/{number}.pdf", from_="+15005550006"
            )
        except TwilioRestException as error:
            details = error.details or {}
            kind = "may" if details.get("may_have_been_sent") else "not"
            note("error", number, kind, error.status)
            if attempt == 3 or not (error.status == 429 or error.status >= 500):
                return note("end", number, None, 0)
            time.sleep(random.choice((0.0, 0.0, 0.05, 0.5)))
        else:
            return note("end", number, fax.sid, 0)
    return None


def worker(slot, slots, sends, first, journal, url):
    """Do what the journal has no end for."""
    from twilio_fax_compat import RetryPolicy, TelnyxSettings
    from twilio_fax_compat.rest import Client

    policy = RetryPolicy(
        backoff=0.01,
        backoff_max=0.1,
        lookups=(0.02, 0.06, 0.12),
        budget=1.5,
        resend_after=4.0,
    )
    settings = TelnyxSettings(
        retry=policy,
        timeout=0.25,
        api_key=f"KEY{os.getpid()}",
        connection_id=str(os.getpid()),
    )
    client = Client("AC" + "0" * 32, "token", telnyx=settings, ledger=url)
    ended = {line[1] for line in lines_of(journal) if line[0] == "end"}
    waiting = [n for n in range(first + slot, first + sends, slots) if n not in ended]
    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(what, number, result, status):
        os.write(file, (json.dumps([what, number, result, status, time.time()]) + "\n").encode())

    def work(random):
        while True:
            try:
                number = waiting.pop(0)
            except IndexError:
                return
            retried(client, number, random, note)

    threads = [threading.Thread(target=work, args=(Random(),)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def master(number, sends, first, folder, url):
    """Fork workers, and fork again those that are killed."""
    import twilio_fax_compat.rest  # noqa: F401 - as a server with --preload does

    slots = MASTERS * WORKERS
    mine = range(number * WORKERS, (number + 1) * WORKERS)
    running = {}

    def start(slot):
        child = os.fork()
        if child == 0:
            worker(slot, slots, sends, first, f"{folder}/journal-{slot}", url)
            os._exit(0)
        running[child] = slot

    for slot in mine:
        start(slot)
    while running:
        child, status = os.wait()
        slot = running.pop(child)
        if status != 0:
            start(slot)


def lines_of(journal):
    if not os.path.exists(journal):
        return []
    return [json.loads(line) for line in Path(journal).read_text().splitlines()]


# The judge


def judge(server, telnyx, folder, sends, first):
    """Return the figures of a round, and what is wrong."""
    figures, wrong = Counter(), []
    faxes, posted = defaultdict(list), defaultdict(list)
    for resource in telnyx.all_faxes():
        faxes[number_of(resource["media_url"])].append(resource)
    for number, *post in server.posted:
        posted[number].append(post)
    journal, ends = defaultdict(list), {}
    for slot in range(MASTERS * WORKERS):
        for what, number, result, status, at in lines_of(f"{folder}/journal-{slot}"):
            journal[number].append((what, result, status, at))
            if what == "end":
                ends[number] = result
                continue
            figures[f"errors that say {result}"] += 1
            accepted = [at for at, plan, _ in posted[number] if plan.accepted is not None]
            if result == "not" and min(accepted, default=at) < at:
                wrong.append(f"{number}: not true: {posted[number]} {journal[number]}")
    for number in range(first, first + sends):
        there = faxes[number]
        if number not in ends:
            wrong.append(f"{number}: has no end")
        figures["returned" if ends.get(number) else "given up"] += 1
        if len(there) > 1 and _was_told(there[0], posted[number][-1], telnyx):
            # A program that is killed when its call has returned has forgotten that.
            figures["sent anew by a program killed after its call"] += 1
        elif len(there) > 1:
            figures["TWICE"] += 1
            wrong.append(f"{number}: {len(there)} faxes: {posted[number]} {journal[number]}")
        sid = ends.get(number)
        if sid and sid[2:] not in {fax["id"].replace("-", "") for fax in there}:
            wrong.append(f"{number}: returned another fax")
    figures["sends"] = sends
    figures["posts"] = len(server.posted)
    figures["with a fault"] = sum(plan is not OK for _, _, plan, _ in server.posted)
    figures["workers killed"] = server.killed
    return figures, wrong


def _was_told(fax, last_post, telnyx):
    """Return whether a worker that was killed since had the fax in an answer or a list."""
    # Each fax has a destination of its own, so only its own look-ups show it.
    last_at, _plan, last_pid = last_post
    return any(
        fax_id == fax["id"] and key != f"KEY{last_pid}" and at < last_at
        for (key, fax_id), at in list(telnyx.shown.items())
    )


def number_of(media_url):
    return int(media_url.rpartition("/")[2][:-4])


def soak(sends, folder, seed=7, rounds=ROUNDS):
    """Send *sends* faxes with their journals in *folder*; return the figures and what is wrong."""
    figures, wrong = Counter(), []
    url = os.environ.get("TWILIO_FAX_COMPAT_POSTGRESQL") or f"sqlite:///{folder}/fax.db"
    part = -(-sends // len(rounds))
    for number, settings in enumerate(rounds):
        place = Path(folder) / f"round-{number}"
        place.mkdir()
        with FakeTelnyx(hang=0.4, **settings) as telnyx:
            server = Server(seed + number, telnyx)
            first = number * part
            arguments = [str(part), str(first), str(place), url]
            command = [sys.executable, __file__, "master"]
            masters = [
                subprocess.Popen(
                    [*command, str(one), *arguments], env={**os.environ, **telnyx.environ}
                )
                for one in range(MASTERS)
            ]
            statuses = [process.wait() for process in masters]
            wrong += [f"a master ended with {status}" for status in statuses if status != 0]
            time.sleep(LATE)
            counts, faults = judge(server, telnyx, place, part, first)
        figures += counts
        wrong += faults
    return figures, wrong


if __name__ == "__main__":
    if sys.argv[1:2] == ["master"]:
        number, sends, first, folder, url = sys.argv[2:]
        master(int(number), int(sends), int(first), folder, url)
    else:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            figures, wrong = soak(int(sys.argv[1]) if sys.argv[1:] else SENDS, folder)
        for name, value in sorted(figures.items()):
            print(f"{value:>8}  {name}")
        print(f"{time.monotonic() - began:>8.0f}  seconds")
        print("\n".join(wrong[:50]) or "nothing wrong")
        sys.exit(bool(wrong))
