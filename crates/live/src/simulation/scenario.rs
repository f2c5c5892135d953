//! What a run is made of, drawn from its seed before it begins.

use std::time::Duration;

use stoop_engine::{Bounds, Window};
use stoop_feed::{Settings, TransportError};

use super::dice::{Dice, MILLI, SECOND};
use super::history::Mood;
use crate::settings::WhenFull;

/// 2026-06-10, an ordinary day.
pub(super) const START_NS: i64 = 1_781_095_200_000_000_000;
/// Longest time the server takes to free the slot of a connection that died.
pub(super) const SLOT_NS: i64 = 180 * SECOND;
/// Longest time the client gets no processor.
pub(super) const STALL_NS: i64 = 40 * SECOND;

/// Which part of the world the run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    /// One endpoint and everything that can happen to it.
    OneEndpoint,
    /// Two or three, of which one may be without fault.
    SeveralEndpoints,
    /// Servers that accept and close, or refuse, for a long time.
    Flapping,
    /// A consumer that is slow or stuck most of the time.
    SlowConsumer,
    /// A history that is asked for what was lost, and answers as it likes.
    Backfill,
    /// A process that ends without a word now and then, and goes on from what was kept.
    Restarts,
}

/// What ails an endpoint for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Upgrades are answered with this status.
    Refuse(u16),
    /// No one can connect.
    Unreachable(TransportError),
    /// Dials are not answered.
    Silent,
    /// Connections are closed soon after they are open; the code, if there is one, and after how long.
    Flap(Option<u16>, i64),
    /// The connection is dead and neither side is told; how long after the trouble the server still counts it.
    HalfOpen(i64),
    /// Nothing comes through until it is over.
    Stall,
    /// Frames wait in the server until it is over; pings are answered.
    DataStall,
    /// Only the cut at its beginning.
    Nothing,
}

/// What happens to the connection when trouble begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Keep,
    Close(Option<u16>),
    Break(TransportError),
    /// A message over the limit of the socket.
    TooLong,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
    pub(super) trouble: Trouble,
    pub(super) cut: Cut,
}

/// How fast decisions are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    Fast,
    /// One in so many ns.
    Slow(i64),
    Stuck,
}

#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) settings: Settings,
    /// The troubles of each endpoint, in order of time.
    pub(super) endpoints: Vec<Vec<Phase>>,
    /// Paces and from when on; the last is fast.
    pub(super) consumer: Vec<(i64, Pace)>,
    /// When the client gets no processor, and for how long.
    pub(super) stalls: Vec<(i64, i64)>,
    /// And often just after a ping.
    pub(super) is_stalling: bool,
    pub(super) capacity: usize,
    pub(super) when_full: WhenFull,
    pub(super) bounds: Bounds,
    /// The stages are actors: they come to a frame some time after the connection.
    pub(super) is_behind: bool,
    /// How long after a gap history is asked; none: never.
    pub(super) backfill_ns: Option<i64>,
    /// How history answers.
    pub(super) moods: Vec<Mood>,
    /// How many connections the plan allows, and how long the answer takes, ns.
    pub(super) limit: (Option<u64>, i64),
    /// When the host tells the strategies something.
    pub(super) commands: Vec<i64>,
    /// When the process ends without a word, and for how long.
    pub(super) crashes: Vec<(i64, i64)>,
    /// What the stages remember is kept.
    pub(super) keeps: bool,
    /// What enters is recorded, and when a new tape is begun.
    pub(super) tapes: Option<Vec<i64>>,
    /// How often the counters are reported, ns.
    pub(super) status_ns: Option<i64>,
    /// The run ends after this many frames.
    pub(super) max_frames: Option<u64>,
    /// The server may refuse the key or the plan.
    pub(super) may_refuse: bool,
    /// After this there is no trouble any more.
    pub(super) calm_ns: i64,
    /// By then every endpoint is open again.
    pub(super) reopened_ns: i64,
    pub(super) stop_ns: i64,
}

impl Scenario {
    pub(super) fn new(profile: Profile, dice: &mut Dice) -> Self {
        let settings = settings(profile, dice);
        let calm_ns = START_NS + dice.seconds(120, 900);
        let may_refuse = profile != Profile::SlowConsumer && dice.chance(10);
        let count = match profile {
            Profile::OneEndpoint => 1,
            Profile::SeveralEndpoints => dice.between(2, 3),
            Profile::Flapping | Profile::SlowConsumer | Profile::Backfill | Profile::Restarts => {
                dice.between(1, 2)
            }
        };
        let mut endpoints: Vec<_> =
            (0..count).map(|_| phases(profile, dice, &settings, calm_ns, may_refuse)).collect();
        if dice.chance(if count > 1 { 50 } else { 10 }) {
            endpoints[0].clear();
        }
        let tweets = dice.pick(&[6, 1024, 1024]);
        let window = Window { tweets, span_ns: dice.pick(&[30, 600, 7200]) * SECOND };
        let reopened_ns = calm_ns + reopening_ns(&settings);
        let stop_ns = reopened_ns + 30 * SECOND;
        let asks = profile == Profile::Backfill || dice.chance(30);
        let crashes = if profile == Profile::Restarts { crashes(dice, calm_ns) } else { Vec::new() };
        Self {
            backfill_ns: asks.then(|| dice.pick(&[0, SECOND, 5 * SECOND, 30 * SECOND])),
            moods: moods(dice),
            limit: limit(dice),
            commands: times(dice, 60, stop_ns),
            keeps: profile == Profile::Restarts || dice.chance(10),
            crashes,
            tapes: dice.chance(30).then(|| times(dice, 50, stop_ns)),
            status_ns: dice.chance(20).then(|| dice.seconds(1, 60)),
            max_frames: dice.chance(3).then(|| dice.between(1, 60) as u64),
            endpoints,
            consumer: paces(profile, dice, calm_ns),
            stalls: stalls(dice, calm_ns),
            is_stalling: dice.chance(30),
            capacity: dice.pick(&[1, 2, 8, 64]),
            when_full: dice.pick(&[WhenFull::Hold, WhenFull::Hold, WhenFull::DropNewest]),
            bounds: Bounds { window, has_copies: count > 1, ..Bounds::default() },
            is_behind: dice.chance(40),
            may_refuse,
            settings,
            calm_ns,
            reopened_ns,
            stop_ns,
        }
    }

    pub(super) fn trouble(&self, endpoint: usize, now_ns: i64) -> Trouble {
        let phases = self.endpoints[endpoint].iter();
        let mut at = phases.filter(|phase| (phase.from_ns..phase.to_ns).contains(&now_ns));
        at.next().map_or(Trouble::Nothing, |phase| phase.trouble)
    }

    pub(super) fn pace(&self, now_ns: i64) -> (Pace, i64) {
        let next = self.consumer.iter().position(|(from_ns, _)| *from_ns > now_ns);
        let at = next.unwrap_or(self.consumer.len()) - 1;
        (self.consumer[at].1, next.map_or(i64::MAX, |next| self.consumer[next].0))
    }
}

pub(super) fn nanos(duration: Duration) -> i64 {
    duration.as_nanos() as i64
}

/// How long after the last trouble an endpoint is open again at the latest.
fn reopening_ns(settings: &Settings) -> i64 {
    // A dead link is found, the slot of it is freed, and the slow lane may just have begun before that.
    let found = nanos(settings.ping_interval) + nanos(settings.pong_timeout);
    // A dial without an answer has come to its second step at most.
    let dialled = 2 * nanos(settings.connect_timeout) + nanos(settings.backoff_cap);
    found + SLOT_NS + nanos(settings.slow_lane[1]) + dialled + 10 * SECOND
}

fn settings(profile: Profile, dice: &mut Dice) -> Settings {
    if profile == Profile::Flapping || dice.chance(50) {
        return Settings::default();
    }
    let mut seconds = |low, high| Duration::from_nanos(dice.seconds(low, high).unsigned_abs());
    let slow = seconds(15, 60);
    Settings {
        connect_timeout: seconds(4, 15),
        ping_interval: seconds(5, 30),
        pong_timeout: seconds(4, 40),
        backoff_base: seconds(1, 2),
        backoff_cap: seconds(2, 30),
        stable_after: seconds(5, 60),
        slow_lane: [slow, slow + seconds(0, 60)],
        close_timeout: seconds(4, 8),
    }
}

fn phases(
    profile: Profile,
    dice: &mut Dice,
    settings: &Settings,
    calm_ns: i64,
    may_refuse: bool,
) -> Vec<Phase> {
    let mut phases = Vec::new();
    let mut from_ns = START_NS + if dice.chance(30) { 0 } else { dice.seconds(1, 100) };
    while from_ns < calm_ns {
        let longest = if profile == Profile::Flapping { 800 } else { 90 };
        let to_ns = (from_ns + dice.seconds(1, longest)).min(calm_ns);
        let trouble = trouble(profile, dice, settings, may_refuse);
        phases.push(Phase { from_ns, to_ns, trouble, cut: cut(dice, trouble) });
        from_ns = to_ns + dice.seconds(0, 150);
    }
    phases
}

fn trouble(profile: Profile, dice: &mut Dice, settings: &Settings, may_refuse: bool) -> Trouble {
    if may_refuse && dice.chance(30) {
        return if dice.chance(70) {
            Trouble::Refuse(dice.pick(&[400, 401, 403]))
        } else {
            Trouble::Flap(Some(dice.pick(&[4001, 4003])), 0)
        };
    }
    // Around what counts as stable, and well below.
    let open_ns = dice.pick(&[0, 0, SECOND, nanos(settings.stable_after) * 9 / 10, 45 * SECOND]);
    let code = dice.pick(&[None, Some(1000), Some(1012), Some(1011), Some(4029), Some(4500)]);
    let flap = Trouble::Flap(code, open_ns);
    if profile == Profile::Flapping && dice.chance(70) {
        return flap;
    }
    let late_ns = if dice.chance(50) { 0 } else { dice.between(SECOND, SLOT_NS) };
    let error = dice.pick(&[TransportError::Tcp, TransportError::Tls, TransportError::Dns]);
    dice.pick(&[
        flap,
        Trouble::Refuse(429),
        Trouble::Refuse(503),
        Trouble::Refuse(404),
        Trouble::Unreachable(error),
        Trouble::Silent,
        Trouble::HalfOpen(late_ns),
        Trouble::HalfOpen(late_ns),
        Trouble::Stall,
        Trouble::DataStall,
        Trouble::Nothing,
    ])
}

fn cut(dice: &mut Dice, trouble: Trouble) -> Cut {
    match trouble {
        // The connection is what is in trouble.
        Trouble::HalfOpen(_) | Trouble::Stall | Trouble::DataStall => Cut::Keep,
        Trouble::Refuse(_)
        | Trouble::Unreachable(_)
        | Trouble::Silent
        | Trouble::Flap(..)
        | Trouble::Nothing => dice.pick(&[
            Cut::Keep,
            Cut::Close(Some(1000)),
            Cut::Close(Some(1012)),
            Cut::Close(Some(4029)),
            Cut::Close(None),
            Cut::Break(TransportError::Reset),
            Cut::Break(TransportError::Eof),
            Cut::TooLong,
        ]),
    }
}

fn paces(profile: Profile, dice: &mut Dice, calm_ns: i64) -> Vec<(i64, Pace)> {
    let mut paces = vec![(START_NS, Pace::Fast)];
    let mut from_ns = START_NS;
    while profile == Profile::SlowConsumer || dice.chance(50) {
        from_ns += dice.seconds(1, 120);
        if from_ns >= calm_ns {
            break;
        }
        let slow = Pace::Slow(dice.between(SECOND / 100, 12 * SECOND));
        paces.push((from_ns, dice.pick(&[Pace::Fast, slow, slow, Pace::Stuck])));
    }
    paces.push((calm_ns, Pace::Fast));
    paces
}

/// Times at which something happens, each followed by another one in so many of a hundred cases.
fn times(dice: &mut Dice, percent: i64, until_ns: i64) -> Vec<i64> {
    let mut times = Vec::new();
    while dice.chance(percent) {
        times.push(dice.between(START_NS, until_ns));
    }
    times.sort_unstable();
    times
}

fn moods(dice: &mut Dice) -> Vec<Mood> {
    let rare = dice.pick(&[Mood::Part, Mood::Silent, Mood::Failing, Mood::Refusing]);
    dice.pick(&[
        [Mood::Whole, Mood::Whole],
        [Mood::Whole, Mood::Repeating],
        [Mood::Whole, Mood::Silent],
        [Mood::Whole, rare],
        [Mood::Silent, rare],
    ])
    .to_vec()
}

fn limit(dice: &mut Dice) -> (Option<u64>, i64) {
    let limit = if dice.chance(25) { Some(dice.pick(&[0, 1, 2, 5])) } else { None };
    (limit, dice.pick(&[0, 80 * MILLI, 3 * SECOND]))
}

/// One crash at least.
fn crashes(dice: &mut Dice, calm_ns: i64) -> Vec<(i64, i64)> {
    let mut crashes = Vec::new();
    let mut from_ns = START_NS + SECOND;
    loop {
        let at_ns = dice.between(from_ns, calm_ns);
        let down_ns = dice.between(SECOND / 10, longest_down_ns(calm_ns, at_ns));
        crashes.push((at_ns, down_ns));
        from_ns = at_ns + down_ns + SECOND;
        if from_ns >= calm_ns || dice.chance(50) {
            return crashes;
        }
    }
}

/// A process is back before trouble is over.
fn longest_down_ns(calm_ns: i64, at_ns: i64) -> i64 {
    (calm_ns - at_ns).clamp(SECOND, 60 * SECOND)
}

fn stalls(dice: &mut Dice, calm_ns: i64) -> Vec<(i64, i64)> {
    let mut stalls = Vec::new();
    while dice.chance(40) {
        let longest_ns = dice.pick(&[SECOND / 10, 3 * SECOND, STALL_NS]);
        stalls.push((dice.between(START_NS, calm_ns), dice.between(0, longest_ns)));
    }
    stalls
}
