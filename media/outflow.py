"""What one Subscriber is sent: its estimate, its wishes, and the layer that each Subscription gets."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from media.allocator import NOTHING, Demand, allocate
from media.control import ControlError
from media.estimator import Estimator
from media.feedback import BandwidthEstimate
from media.layer import Layer
from media.sink import Source
from media.subscription import Subscription
from media.temporal import FULL, Step, steps_of
from media.transport import Transport
from media.transportwide import TransportFeedback

CHOICE_INTERVAL = 0.2
# The same where nobody has layers to choose from, everything wanted is sent, and there is room for all of it.
SETTLED_INTERVAL = 1.0
# A picture shown without a known height counts as this high, and any layer is worth sending.
USUAL_HEIGHT = 360
# A layer is large enough that has three quarters of the height shown.
ENOUGH = 0.75
HEIGHTS = (180, 360, 720)  # of layers whose size is not known
# A train of padding lasts so long at the rate that is asked for, within these numbers of packets.
TRAIN_SECONDS, SHORTEST_TRAIN, LONGEST_TRAIN = 0.035, 10, 60
PADDING_SIZE = 300
LARGEST_UNKNOWN = 1e12
# Of a camera without layers, where nothing is to be weighed.
ONE_STEP = steps_of((1,))
# So many times the estimate is too much to be sent even until a smaller layer has its key frame.
CROWDED = 1.3
MOST_WISHES = 128
SOUND = "microphone"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a picture is shown: `height` in pixels of the screen, and whether it is seen at all."""

    height: int
    visible: bool


Wishes = dict[tuple[str, Source], Wish]


def read_wishes(wishes: list[dict[str, Any]]) -> Wishes:
    """Of a SetWishes request. Raises ControlError bad_message."""
    try:
        return {
            (str(w["participant_id"]), w["source"]): Wish(int(w["height"]), bool(w["visible"]))
            for w in wishes[:MOST_WISHES]
        }
    except (KeyError, TypeError, ValueError) as exc:
        raise ControlError("bad_message", "not a list of wishes") from exc


class Outflow:
    """Given: the transport. `bitrate` is None while nothing is known; then everything is sent."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._estimator = Estimator()
        self._known = False
        self._wishes: Wishes = {}
        # Whose sound is not listened to; nearly always nobody's.
        self._unheard: frozenset[str] = frozenset()
        self._chosen_at = float("-inf")
        self._settled = False
        self._changes_sound = False

    @property
    def bitrate(self) -> int | None:
        """The estimate in bit/s."""
        return self._estimator.bitrate if self._known else None

    def wish(self, wishes: Wishes) -> None:
        """Take the place of all wishes before."""
        self._wishes = wishes
        unheard = [who for (who, source), wish in wishes.items() if source == SOUND and not wish.visible]
        self._changes_sound = bool(unheard or self._unheard)
        self._unheard = frozenset(unheard)
        self._chosen_at = float("-inf")

    def receive(self, feedback: TransportFeedback | BandwidthEstimate, now: float) -> None:
        """What the receiver tells of its network."""
        log = self._transport.sent
        if isinstance(feedback, BandwidthEstimate):
            if log is None:
                self._known, self._settled = True, False
                self._estimator.believe(feedback.bitrate)
        elif log is not None:
            self._known = True
            if self._estimator.receive(feedback, log, now):
                self._chosen_at = float("-inf")

    def unsettle(self) -> None:
        """There are other subscriptions than before."""
        self._settled = False

    @property
    def is_urgent(self) -> bool:
        """Whether something was learnt that the choice should not wait for."""
        return self._chosen_at == float("-inf")

    def hurry(self) -> None:
        """What can be had has changed: choose at the next tick."""
        self._chosen_at = float("-inf")

    def tick(self, subscriptions: Collection[Subscription], now: float) -> None:
        """Choose anew when it is time."""
        if now - self._chosen_at < (SETTLED_INTERVAL if self._settled else CHOICE_INTERVAL):
            return
        self._chosen_at, self._settled = now, False
        if self._unheard or self._changes_sound:
            self._choose_sound(subscriptions)
        videos = [s for s in subscriptions if s.opened and s.is_video]
        if not videos:
            return
        sounds = [s for s in subscriptions if s.opened and not s.is_video and s.aimed_at is not None]
        sound = sum(s.publication.best.bitrate for s in sounds)
        ways = [steps_of(tuple([x.temporal_layers for x in s.publication.layers])) for s in videos]
        demands = [self._demand(s, steps, now) for s, steps in zip(videos, ways, strict=True)]
        budget = self._estimator.bitrate - sound if self._known else LARGEST_UNKNOWN
        chosen = allocate(budget, demands)
        crowded = sum(d.rates[d.current] for d in demands if d.current >= 0) > CROWDED * budget
        for subscription, steps, demand, place in zip(videos, ways, demands, chosen, strict=True):
            if place >= 0:
                step, present = steps[place], subscription.layer
                subscription.aim(subscription.publication.layers[step.rank], step.limit)
                if present is None or step.rank >= present.rank:
                    continue
                if crowded or not present.present(now):
                    # The key frame may be half a second away, and every packet too many costs sound; or
                    # nothing comes of what was sent, and any smaller layer that begins is welcome.
                    subscription.hold()
            elif any(demand.rates) or not demand.height:
                subscription.aim(None)
        needed = sound + sum([needed_for(demand) for demand in demands])
        if self._known:
            self._probe(videos, needed, now)
        self._settled = (
            all([steps is ONE_STEP for steps in ways])
            and all([demand.current == (0 if demand.height > 0 else NOTHING) for demand in demands])
            and (not self._known or needed <= self._estimator.bitrate)
            and all([subscription.opened for subscription in subscriptions])
        )

    def _choose_sound(self, subscriptions: Collection[Subscription]) -> None:
        """Sound begins and ends with any packet: there is no key frame to wait for."""
        self._changes_sound = False
        for subscription in subscriptions:
            if subscription.is_video or not subscription.opened:
                continue
            heard = subscription.publication.track.participant_id not in self._unheard
            if heard != (subscription.aimed_at is not None):
                subscription.aim(subscription.publication.best if heard else None)

    def _demand(self, subscription: Subscription, steps: tuple[Step, ...], now: float) -> Demand:
        track, layers = subscription.publication.track, subscription.publication.layers
        wish = self._wishes.get((track.participant_id, track.source)) if self._wishes else None
        if steps is ONE_STEP:
            height = USUAL_HEIGHT if wish is None else wish.height if wish.visible else 0
            current = NOTHING if subscription.layer is None else 0
            return Demand(height, (max(1, layers[0].bitrate),), 0, current)
        full = [layer.rate(now) for layer in layers]
        if len(layers) == 1:
            full = [max(1, layers[0].bitrate)]  # A camera that is switched off is no reason to let go.
        rates = tuple(max(1, round(full[s.rank] * s.share)) if full[s.rank] else 0 for s in steps)
        current = _step_of(subscription, steps)
        if wish is None:
            return Demand(USUAL_HEIGHT, rates, len(steps) - 1, current)
        largest = next(
            (x.rank for x in layers if height_of(x, len(layers)) >= ENOUGH * wish.height), len(layers) - 1
        )
        most = max(place for place, step in enumerate(steps) if step.rank <= largest)
        return Demand(wish.height if wish.visible else 0, rates, most, current)

    def _probe(self, videos: list[Subscription], needed: float, now: float) -> None:
        log = self._transport.sent
        target = self._estimator.probe_for(needed, now)
        if not target or log is None:
            return
        count = round(target * TRAIN_SECONDS / 8 / PADDING_SIZE)
        first = log.next
        for subscription in videos:
            if subscription.pad(max(SHORTEST_TRAIN, min(LONGEST_TRAIN, count))):
                self._estimator.probe_sent(first, log.next - 1, target, now)
                return


def _step_of(subscription: Subscription, steps: tuple[Step, ...]) -> int:
    """Where the subscription stands: the step of what is being sent, NOTHING when nothing is."""
    present = subscription.layer
    if present is None:
        return NOTHING
    limit = subscription.limit if present is subscription.aimed_at else FULL
    own = [place for place, step in enumerate(steps) if step.rank == present.rank]
    return next((place for place in own if steps[place].limit >= limit), own[-1])


def needed_for(demand: Demand) -> int:
    """Bit/s of the best step that it could have."""
    return max(demand.rates[: demand.most + 1], default=0) if demand.height else 0


def height_of(layer: Layer, count: int) -> int:
    """Its height, or what a layer of that rank usually has."""
    return layer.height or HEIGHTS[len(HEIGHTS) - count + layer.rank if count < len(HEIGHTS) else layer.rank]
