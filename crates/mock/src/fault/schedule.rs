//! Which faults strike a connection, and when. No clock, no socket: time and counts come in, actions come out.

use std::sync::Arc;
use std::time::Duration;

use super::{Action, ConnectionAction, Fault, FrameAction, StreamAction, When};
use crate::dice::Dice;

/// A connection that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    /// Its number; upgrades asked for count from 1.
    pub(crate) number: u64,
    /// Since the server has started.
    pub(crate) elapsed: Duration,
}

/// A fault that strikes now: what it does and how it was written.
pub(crate) type Strike<A> = (A, Arc<str>);

/// The faults of one connection and how far they are.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    stream: Vec<Armed<StreamAction>>,
    frames: Vec<Armed<FrameAction>>,
}

#[derive(Debug)]
struct Armed<A> {
    action: A,
    when: When,
    chance: Option<u64>,
    text: Arc<str>,
    dice: Dice,
    is_over: bool,
    /// The number of frames it was last asked at. Its chance is drawn once at each.
    asked_at: u64,
}

/// What goes wrong with a connection as a whole, in the order it was asked for.
pub(crate) fn on_connection(faults: &[Fault], seed: u64, visit: Visit) -> Vec<Strike<ConnectionAction>> {
    let mut armed = armed(faults, seed, visit, Action::on_connection);
    armed.iter_mut().filter_map(|armed| armed.is_lucky().then(|| armed.strike())).collect()
}

/// The faults of one type that strike this connection at some time.
fn armed<A: Clone>(
    faults: &[Fault],
    seed: u64,
    visit: Visit,
    of_type: impl Fn(&Action) -> Option<&A>,
) -> Vec<Armed<A>> {
    // Numbered among all faults, whatever their type: moving an action to another type would change no other's dice.
    let numbered = (0_u64..).zip(faults).filter(|(_, fault)| fault.strikes(visit));
    let armed = |(number, fault): (u64, &Fault)| {
        Some(Armed {
            action: of_type(&fault.action)?.clone(),
            when: fault.when,
            chance: fault.chance,
            text: Arc::clone(&fault.text),
            // A stream of its own for each fault of each connection: one more fault changes no other.
            dice: Dice::new(Dice::new(seed ^ visit.number.rotate_left(32)).bits() ^ number),
            is_over: false,
            asked_at: 0,
        })
    };
    numbered.filter_map(armed).collect()
}

impl Fault {
    fn strikes(&self, visit: Visit) -> bool {
        (self.which.first..=self.which.last).contains(&visit.number)
            && self.which.until.is_none_or(|until| visit.elapsed < until)
    }
}

impl<A: Clone> Armed<A> {
    fn is_lucky(&mut self) -> bool {
        self.chance.is_none_or(|chance| self.dice.below(1 << 32) < chance)
    }

    fn strike(&self) -> Strike<A> {
        (self.action.clone(), Arc::clone(&self.text))
    }
}

impl Armed<StreamAction> {
    /// Whether it strikes after this many frames.
    fn strikes_after(&mut self, frames: u64, is_end: bool) -> bool {
        match self.when {
            When::After(count) => {
                self.is_over = frames >= count;
                self.is_over && self.is_lucky()
            }
            When::Every(count) => {
                let is_new = frames > self.asked_at;
                self.asked_at = frames;
                is_new && frames.is_multiple_of(count) && self.is_lucky()
            }
            When::End => {
                self.is_over = is_end;
                is_end && self.is_lucky()
            }
            When::At(_) => false,
        }
    }
}

impl Schedule {
    /// The schedule of a connection.
    pub(crate) fn new(faults: &[Fault], seed: u64, visit: Visit) -> Self {
        Self {
            stream: armed(faults, seed, visit, Action::on_stream),
            frames: armed(faults, seed, visit, Action::on_frame),
        }
    }

    /// The next fault of the stream whose time has come.
    pub(crate) fn timed(&mut self, elapsed: Duration) -> Option<Strike<StreamAction>> {
        for armed in self.stream.iter_mut().filter(|armed| !armed.is_over) {
            if matches!(armed.when, When::At(at) if at <= elapsed) {
                armed.is_over = true;
                if armed.is_lucky() {
                    return Some(armed.strike());
                }
            }
        }
        None
    }

    /// When [`timed`](Self::timed) has something next, since the connect.
    pub(crate) fn wake(&self) -> Option<Duration> {
        let ahead = self.stream.iter().filter(|armed| !armed.is_over);
        let times = ahead.filter_map(|armed| match armed.when {
            When::At(at) => Some(at),
            When::After(_) | When::Every(_) | When::End => None,
        });
        times.min()
    }

    /// The next fault of the stream that strikes after this many frames; `is_end`: the input has been sent.
    pub(crate) fn counted(&mut self, frames: u64, is_end: bool) -> Option<Strike<StreamAction>> {
        let mut ahead = self.stream.iter_mut().filter(|armed| !armed.is_over);
        ahead.find_map(|armed| armed.strikes_after(frames, is_end).then(|| armed.strike()))
    }

    /// How many frames may go before [`counted`](Self::counted) must be asked again.
    pub(crate) fn room(&self, frames: u64) -> u64 {
        let ahead = self.stream.iter().filter(|armed| !armed.is_over);
        let rooms = ahead.map(|armed| match armed.when {
            When::After(count) => count.saturating_sub(frames),
            When::Every(count) => count - frames % count,
            When::At(_) | When::End => u64::MAX,
        });
        // At least one, or a batch would never go on.
        rooms.min().unwrap_or(u64::MAX).max(1)
    }

    /// What goes wrong with a frame, by its number on the connection, from 1.
    pub(crate) fn on_frame(&mut self, number: u64, elapsed: Duration) -> Vec<Strike<FrameAction>> {
        let mut strikes = Vec::new();
        for armed in self.frames.iter_mut().filter(|armed| !armed.is_over) {
            let is_its = match armed.when {
                When::After(count) => number > count,
                When::Every(count) => number.is_multiple_of(count),
                When::At(at) => elapsed >= at,
                // The parser refuses it: there is no frame after the end.
                When::End => false,
            };
            armed.is_over = is_its && !matches!(armed.when, When::Every(_));
            if is_its && armed.is_lucky() {
                strikes.push(armed.strike());
            }
        }
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Visit = Visit { number: 1, elapsed: Duration::ZERO };

    fn faults(specs: &[&str]) -> Vec<Fault> {
        specs.iter().map(|spec| spec.parse().unwrap()).collect()
    }

    /// The counts of frames after which faults strike, one frame at a time.
    fn struck(specs: &[&str], seed: u64, visit: Visit, frames: u64) -> Vec<(u64, String)> {
        let mut schedule = Schedule::new(&faults(specs), seed, visit);
        let mut found = Vec::new();
        for count in 0..=frames {
            while let Some((_, text)) = schedule.counted(count, count == frames) {
                found.push((count, text.to_string()));
            }
        }
        found
    }

    fn counts(spec: &str, visit: Visit, frames: u64) -> Vec<u64> {
        struck(&[spec], 0, visit, frames).into_iter().map(|(count, _)| count).collect()
    }

    #[test]
    fn faults_of_the_stream_strike_after_their_frames() {
        for (spec, expect) in [
            ("rst", vec![0]),
            ("after=0:rst", vec![0]),
            ("after=3:rst", vec![3]),
            ("after=11:rst", vec![]),
            ("every=3:rubbish(json)", vec![3, 6, 9]),
            ("end:rst", vec![10]),
            ("at=0s:rst", vec![]),
            ("p=1:rst", (1..=10).collect()),
            ("dup", vec![]),
            ("refuse(429)", vec![]),
        ] {
            assert_eq!(counts(spec, FIRST, 10), expect, "{spec}");
        }
    }

    #[test]
    fn faults_after_the_same_frame_strike_in_the_order_they_were_given() {
        let specs = ["every=2:rubbish(utf8)", "after=2:stall(1s)", "end:fin"];
        let found = struck(&specs, 0, FIRST, 2);
        assert_eq!(found, specs.map(|spec| (2, spec.to_owned())));
    }

    #[test]
    fn a_jump_over_a_count_is_made_short() {
        let schedule = Schedule::new(&faults(&["after=7:fin", "every=5:close"]), 0, FIRST);
        assert_eq!([0, 4, 5, 6, 9].map(|frames| schedule.room(frames)), [5, 1, 2, 1, 1]);
        assert_eq!(Schedule::new(&faults(&["dup", "at=1s:fin"]), 0, FIRST).room(0), u64::MAX);
        assert_eq!(Schedule::new(&faults(&["p=0.1:fin"]), 0, FIRST).room(3), 1);
    }

    #[test]
    fn only_the_connections_named_are_struck() {
        let visit = |number, ms| Visit { number, elapsed: Duration::from_millis(ms) };
        for (spec, visit, is_struck) in [
            ("conn=2:rst", visit(1, 0), false),
            ("conn=2:rst", visit(2, 0), true),
            ("conn=2:rst", visit(3, 0), false),
            ("conn=2-3:rst", visit(3, 0), true),
            ("conn=2-:rst", visit(900, 0), true),
            ("first=3:rst", visit(3, 0), true),
            ("first=3:rst", visit(4, 0), false),
            ("until=1s:rst", visit(1, 999), true),
            ("until=1s:rst", visit(1, 1000), false),
        ] {
            assert_eq!(!counts(spec, visit, 0).is_empty(), is_struck, "{spec} {visit:?}");
            let door = spec.replace(":rst", ":html");
            assert_eq!(!on_connection(&faults(&[&door]), 0, visit).is_empty(), is_struck, "{door} {visit:?}");
        }
    }

    #[test]
    fn timed_faults_wait_for_their_time_and_strike_once() {
        let mut schedule =
            Schedule::new(&faults(&["at=5s:stall(1s)", "at=2s:no-pong", "at=1s:dup"]), 0, FIRST);
        let at = |s| Duration::from_secs(s);
        assert_eq!(schedule.wake(), Some(at(2)));
        assert_eq!(schedule.timed(at(1)), None);
        assert_eq!(schedule.timed(at(3)).unwrap().0, StreamAction::NoPong);
        assert_eq!(schedule.timed(at(3)), None);
        assert_eq!(schedule.wake(), Some(at(5)));
        assert!(schedule.timed(at(6)).is_some() && schedule.timed(at(6)).is_none());
        assert_eq!(schedule.wake(), None);
    }

    #[test]
    fn frames_are_struck_by_number_time_and_chance() {
        let numbers = |spec: &str, step_ms| {
            let mut schedule = Schedule::new(&faults(&[spec]), 0, FIRST);
            let is_struck = |number: &u64| {
                !schedule.on_frame(*number, Duration::from_millis(number * step_ms)).is_empty()
            };
            (1..=10).filter(is_struck).collect::<Vec<u64>>()
        };
        assert_eq!(numbers("dup", 0), (1..=10).collect::<Vec<u64>>());
        assert_eq!(numbers("every=4:dup", 0), [4, 8]);
        assert_eq!(numbers("after=4:dup", 0), [5]);
        assert_eq!(numbers("at=25ms:dup", 10), [3]);
        assert_eq!(numbers("rst", 0), [0; 0]);
    }

    #[test]
    fn chance_is_the_same_for_a_seed_and_a_connection_and_differs_between_them() {
        let run = |seed, number| struck(&["p=0.1:rst"], seed, Visit { number, ..FIRST }, 10_000);
        assert_eq!(run(1, 1), run(1, 1));
        assert_ne!(run(1, 1), run(1, 2));
        assert_ne!(run(1, 1), run(2, 1));
        let count = run(1, 1).len();
        // 1,000 expected, standard deviation 30: six of them.
        assert!((820..1_180).contains(&count), "{count} of 10000");
        // A fault before it does not change it, only adds its own.
        let both = struck(&["p=0.1:fin", "p=0.1:rst"], 1, FIRST, 10_000);
        let alone = struck(&["every=20000:fin", "p=0.1:rst"], 1, FIRST, 10_000);
        let of_rst = |all: Vec<(u64, String)>| -> Vec<u64> {
            all.into_iter().filter(|(_, text)| text.ends_with("rst")).map(|(count, _)| count).collect()
        };
        assert_eq!(of_rst(both), of_rst(alone));
    }
}
