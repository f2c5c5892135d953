//! Joins the frames of a tweet, whatever their order, in a bounded window.

mod asset;
mod index;
mod join;
mod rank;
mod saved;
mod seen;
#[cfg(test)]
mod tests;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;
use stoop_model::{Event, Op, Platform, TweetId};

use crate::input::{Command, Message, Stamp};
use crate::state::{Scope, State, ViewState};
pub use asset::NamedAsset;
pub(crate) use asset::{is_evm, same_contract, same_symbol};
use index::Index;
pub use rank::Rank;
pub use saved::{SavedAsset, SavedError, SavedField, SavedItem, SavedValue, SavedView};
use seen::SeenEvents;
pub use view::{ASSETS_PER_TWEET, Arrival, FRAMES_PER_TWEET, Pin, View};

/// Views kept for reuse beside the window, of some 5 KiB each: when a burst is over its tweets leave together, and the
/// next burst needs as many again. With 64, a frame of the generated day within two windows made 0.02 allocations.
const SPARE_VIEWS: usize = 1024;

/// How many spare views are tried, from the latest on, for one that nothing else holds. Those that have just left are
/// still being read, and those of open decisions stay held until they are old enough to make room.
const LOOKED_AT: usize = 64;

/// Frames for which the slot of a tweet that has left keeps its memory.
const KEEP_SEEN: usize = 16;

/// Tweets for which the index has room from the start, twice: a map that is never more than half full neither grows
/// nor cleans up in the middle of a stream.
const ROOM: usize = 65_536;

/// Bounds of the window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How long a tweet stays after its first frame, ns.
    pub span_ns: i64,
    /// How many tweets it holds; the oldest leaves first.
    pub tweets: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { span_ns: 600_000_000_000, tweets: 65_536 }
    }
}

/// A change of the window.
#[derive(Clone, Debug)]
pub enum Merged {
    /// A view has changed, or could have: the frame was not a duplicate.
    Changed(Change),
    /// A tweet has left the window, which no longer holds its view.
    Left {
        /// Its last state.
        view: Arc<View>,
        /// When it left, Unix ns: the end of its time, or now if it was pushed out.
        at_ns: i64,
    },
    /// A tweet that a command names, as it stands.
    Named(Arc<View>),
}

impl Merged {
    /// The view of a tweet that a command names.
    pub(crate) fn named(&self) -> Option<&Arc<View>> {
        match self {
            Self::Named(view) => Some(view),
            Self::Changed(_) | Self::Left { .. } => None,
        }
    }
}

/// A frame joined into its tweet.
#[derive(Clone, Debug)]
pub struct Change {
    /// The joined state with the frame in it.
    pub view: Arc<View>,
    /// The frame's operation.
    pub op: Op,
    /// It was the first content of this stay in the window.
    pub is_first_content: bool,
    /// When the frame came.
    pub arrival: Arrival,
}

/// The fate of the frames, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeCounters {
    /// Frames joined into a view, counted once a view.
    pub joined: u64,
    /// Frames seen before.
    pub duplicates: u64,
    /// Tweets begun.
    pub begun: u64,
    /// Tweets that left after their time.
    pub left: u64,
    /// Tweets pushed out by newer ones because the window was full.
    pub pushed_out: u64,
    /// Frames without a platform that went to two tweets of one id.
    pub shared_id: u64,
    /// Frames left out because their tweet had had [`FRAMES_PER_TWEET`].
    pub frames_over: u64,
    /// Meta frames some of whose assets found no room ([`ASSETS_PER_TWEET`]).
    pub assets_over: u64,
    /// Meta, update, delete or pin frames that came before any content of their tweet.
    pub before_content: u64,
    /// Account and control events passed through.
    pub passed: u64,
}

impl std::ops::AddAssign for MergeCounters {
    fn add_assign(&mut self, other: Self) {
        let Self {
            joined,
            duplicates,
            begun,
            left,
            pushed_out,
            shared_id,
            frames_over,
            assets_over,
            before_content,
            passed,
        } = other;
        self.joined += joined;
        self.duplicates += duplicates;
        self.begun += begun;
        self.left += left;
        self.pushed_out += pushed_out;
        self.shared_id += shared_id;
        self.frames_over += frames_over;
        self.assets_over += assets_over;
        self.before_content += before_content;
        self.passed += passed;
    }
}

/// Fingerprints of a tweet's frames, with their operation; a content and its meta need no memory of their own.
type Seen = SmallVec<[(Op, u64); 4]>;

struct Slot {
    view: Arc<View>,
    /// The frames that came.
    seen: Seen,
    /// Another tweet of the same id on another platform; a chain if there are more.
    twin: Option<usize>,
    /// Its place among all tweets begun.
    serial: u64,
    /// It has changed since [`Scope::Changes`] was asked for.
    is_dirty: bool,
    /// It is in the list of what has changed, maybe for a tweet that has left.
    is_listed: bool,
    /// It was part of what was answered then.
    is_saved: bool,
}

/// The window of tweets and what they have become.
///
/// Frames without a platform (meta, delete, an update without author) go to the tweet of their id. If tweets of
/// several platforms share the id, they go to all of them, and a tweet that begins later inherits what they said:
/// to act on none would lose an enrichment or a deletion, and to choose one would depend on the order of arrival.
pub struct Merge {
    window: Window,
    slots: Vec<Slot>,
    free: Vec<usize>,
    index: Index,
    /// Slots by age, with the sequence number that shows whether the slot still belongs to the same tweet.
    ages: VecDeque<(i64, u64, usize)>,
    spare: VecDeque<Arc<View>>,
    /// The view of a free slot.
    nobody: Arc<View>,
    events: SeenEvents,
    /// Tweets begun in this run and those before it.
    begun: u64,
    changes: Option<Changes>,
    counters: MergeCounters,
}

/// Changes since the last request for them.
#[derive(Default)]
struct Changes {
    /// Slots, each once.
    dirty: Vec<usize>,
    /// Serials of tweets that were saved and have left.
    gone: Vec<u64>,
    /// Event ids that were saved.
    events: u64,
}

impl Merge {
    /// An empty window.
    pub fn new(window: Window) -> Self {
        Self {
            window,
            slots: Vec::new(),
            free: Vec::new(),
            index: Index::with_capacity(window.tweets.min(ROOM)),
            ages: VecDeque::new(),
            spare: VecDeque::with_capacity(SPARE_VIEWS),
            nobody: Arc::default(),
            events: SeenEvents::new(window.tweets),
            begun: 0,
            changes: None,
            counters: MergeCounters::default(),
        }
    }

    /// Adds what it remembers to `state`.
    pub fn save(&mut self, scope: Scope, state: &mut State) {
        state.head.begun = self.begun;
        match scope {
            Scope::All => self.save_all(state),
            Scope::Changes if self.changes.is_none() => {
                self.changes = Some(Changes { events: self.events.end(), ..Changes::default() });
                self.save_all(state);
                for &(_, began_seq, index) in &self.ages {
                    let slot = self.slots.get_mut(index).filter(|slot| slot.view.began_seq == began_seq);
                    if let Some(slot) = slot {
                        slot.is_saved = true;
                    }
                }
            }
            Scope::Changes => self.save_changes(state),
        }
    }

    /// Remembers what an engine before this one did; for a window that is empty.
    pub fn restore(&mut self, state: &State) {
        self.begun = state.head.begun;
        self.events.restore(&state.events);
        let mut views: Vec<&ViewState> = state.views.iter().collect();
        // By age, whatever order a store has them in: `ages` and the chains of one id are in order of age.
        views.sort_unstable_by_key(|view| view.serial);
        for ViewState { serial, view, seen } in views {
            let index = self.slots.len();
            self.slots.push(Slot::new(Arc::clone(view), Seen::from_slice(seen), *serial));
            self.link(index);
            self.ages.push_back((view.began_ns, view.began_seq, index));
        }
    }

    fn save_all(&self, state: &mut State) {
        let of = |&(_, began_seq, index): &(i64, u64, usize)| {
            self.slots.get(index).filter(|slot| slot.view.began_seq == began_seq).map(Slot::save)
        };
        state.views.extend(self.ages.iter().filter_map(of));
        state.events.extend(self.events.since(0));
        state.gone.events_before = self.events.start();
    }

    fn save_changes(&mut self, state: &mut State) {
        let Some(changes) = &mut self.changes else { return };
        for index in changes.dirty.drain(..) {
            let slot = &mut self.slots[index];
            slot.is_listed = false;
            // If it is not dirty, its tweet has left since.
            if std::mem::take(&mut slot.is_dirty) {
                slot.is_saved = true;
                state.views.push(slot.save());
            }
        }
        state.gone.views.append(&mut changes.gone);
        state.events.extend(self.events.since(changes.events));
        state.gone.events_before = self.events.start();
        changes.events = self.events.end();
    }

    /// Notes a change, if changes are asked for.
    fn touch(&mut self, index: usize) {
        if let Some(changes) = &mut self.changes {
            let slot = &mut self.slots[index];
            slot.is_dirty = true;
            if !std::mem::replace(&mut slot.is_listed, true) {
                changes.dirty.push(index);
            }
        }
    }

    /// Touches the memory that the first tweets will need, so that none of them waits for the system to hand out a
    /// page. Changes nothing else. Needs some milliseconds and 8 MB.
    pub fn warm(&mut self) {
        let tweets = self.window.tweets.min(ROOM);
        self.index.touch(tweets);
        self.slots.reserve(tweets);
        while self.spare.len() < SPARE_VIEWS.min(tweets) {
            self.spare.push_front(Arc::new(View::touched()));
        }
    }

    /// Joins one event that came at `stamp`; appends what changed to `out`.
    ///
    /// Tweets that left the window up to then are appended first. A duplicate appends nothing.
    pub fn handle(&mut self, event: &Event, stamp: Stamp, out: &mut Vec<Merged>) {
        // Before the frame is looked up: one that comes when its tweet's time is over begins a new stay.
        self.wake(stamp.now_ns, out);
        // Account events have ids too, so their repeats are dropped here as well.
        if let Some(id) = event.event_id
            && !self.events.insert(event.op, event.text(id))
        {
            self.counters.duplicates += 1;
            return;
        }
        if !event.op.is_tweet() {
            self.counters.passed += 1;
            return;
        }
        let head = self.index.get(&event.tweet_id, &self.slots);
        // A content without an author is from X, like one whose author names no platform (docs/decided.md).
        let assumed = (event.op == Op::Content).then_some(&Platform::Twitter);
        let Some(platform) = event.platform.as_ref().or(assumed) else {
            let first = head.unwrap_or_else(|| self.begin(event, stamp, None, out));
            // If no tweet of the id is there yet, one begins without a platform, until a frame names one.
            self.counters.shared_id += u64::from(self.slots[first].twin.is_some());
            let mut next = Some(first);
            while let Some(slot) = next {
                next = self.slots[slot].twin;
                self.join(slot, event, stamp, out);
            }
            return;
        };
        let slot = self.slot_of(head, platform).unwrap_or_else(|| {
            let twin = head.map(|head| (Arc::clone(&self.slots[head].view), self.slots[head].seen.clone()));
            let slot = self.begin(event, stamp, Some(platform.clone()), out);
            if let Some((view, seen)) = twin {
                Arc::make_mut(&mut self.slots[slot].view).share(&view);
                // Fingerprints of the other platform's frames are among them; none of those frames can be this
                // tweet's.
                self.slots[slot].seen = seen;
                self.touch(slot);
            }
            slot
        });
        self.join(slot, event, stamp, out);
    }

    /// Lets tweets leave whose time is over at `now_ns`; appends them to `out`.
    pub fn wake(&mut self, now_ns: i64, out: &mut Vec<Merged>) {
        while let Some(&(began_ns, seq, slot)) = self.ages.front() {
            if began_ns.saturating_add(self.window.span_ns) > now_ns {
                break;
            }
            self.ages.pop_front();
            if self.leave(slot, seq, began_ns.saturating_add(self.window.span_ns), out) {
                self.counters.left += 1;
            }
        }
    }

    /// Handles a command at `now_ns`: appends what has left the window, then the tweets that the command names.
    pub fn command(&mut self, command: &Command, now_ns: i64, out: &mut Vec<Merged>) {
        self.wake(now_ns, out);
        let Command::Message(Message { tweet: Some(id), platform, .. }) = command else { return };
        let mut next = self.index.get(id, &self.slots);
        while let Some(slot) = next.and_then(|index| self.slots.get(index)) {
            if platform.is_none() || slot.view.platform.is_none() || slot.view.platform == *platform {
                out.push(Merged::Named(Arc::clone(&slot.view)));
            }
            next = slot.twin;
        }
    }

    /// When the next tweet leaves, Unix ns.
    pub fn deadline(&self) -> Option<i64> {
        self.ages.front().map(|&(began_ns, _, _)| began_ns.saturating_add(self.window.span_ns))
    }

    /// Empties the window and the counters.
    pub fn reset(&mut self) {
        *self = Self::new(self.window);
    }

    /// Number of tweets in the window.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// No tweet is in the window.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The view of a tweet, if it is in the window.
    pub fn view(&self, id: &TweetId, platform: &Platform) -> Option<&View> {
        let mut slot = self.index.get(id, &self.slots);
        while let Some(here) = slot.and_then(|index| self.slots.get(index)) {
            if here.view.platform.as_ref() == Some(platform) {
                return Some(&here.view);
            }
            slot = here.twin;
        }
        None
    }

    /// The counters so far.
    pub fn counters(&self) -> MergeCounters {
        self.counters
    }

    /// The slot of the tweet on `platform` among those of its id, which begin at `head`. A tweet whose platform no
    /// frame has named belongs to this one from now on.
    fn slot_of(&mut self, head: Option<usize>, platform: &Platform) -> Option<usize> {
        let mut here = head;
        while let Some(index) = here {
            let slot = &mut self.slots[index];
            match &slot.view.platform {
                Some(known) if known == platform => return here,
                Some(_) => here = slot.twin,
                None => {
                    Arc::make_mut(&mut slot.view).platform = Some(platform.clone());
                    self.touch(index);
                    return here;
                }
            }
        }
        None
    }

    fn begin(
        &mut self,
        event: &Event,
        stamp: Stamp,
        platform: Option<Platform>,
        out: &mut Vec<Merged>,
    ) -> usize {
        // Before the oldest leaves: a view that leaves now is still held by the reader of `out`.
        let mut view = self.fresh_view();
        // The contract: the oldest leaves first, and leaving early counts as pushed out.
        while self.len() >= self.window.tweets.max(1) {
            let Some((_, seq, slot)) = self.ages.pop_front() else { break };
            if self.leave(slot, seq, stamp.now_ns, out) {
                self.counters.pushed_out += 1;
            }
        }
        let fresh = Arc::make_mut(&mut view);
        fresh.begin(event.tweet_id.clone(), stamp.seq, stamp.now_ns);
        fresh.platform = platform;
        let serial = self.begun;
        self.begun += 1;
        let index = if let Some(index) = self.free.pop() {
            self.slots[index].view = view;
            self.slots[index].serial = serial;
            index
        } else {
            self.slots.push(Slot::new(view, Seen::new(), serial));
            self.slots.len() - 1
        };
        self.touch(index);
        self.link(index);
        self.ages.push_back((stamp.now_ns, stamp.seq, index));
        self.counters.begun += 1;
        index
    }

    /// Makes the slot the last of its id.
    fn link(&mut self, index: usize) {
        let id = &self.slots[index].view.tweet_id;
        let Some(mut last) = self.index.get(id, &self.slots) else {
            self.index.insert(index, &self.slots);
            return;
        };
        while let Some(next) = self.slots[last].twin {
            last = next;
        }
        self.slots[last].twin = Some(index);
    }

    /// A view that nothing else holds: the latest spare that has been let go.
    fn fresh_view(&mut self) -> Arc<View> {
        let oldest = self.spare.len().saturating_sub(LOOKED_AT);
        let is_free = |index: &usize| self.spare.get(*index).is_some_and(|view| Arc::strong_count(view) == 1);
        let free = (oldest..self.spare.len()).rev().find(is_free);
        free.and_then(|index| self.spare.remove(index)).unwrap_or_default()
    }

    /// Removes a tweet from the window. False if the slot belongs to another tweet since.
    fn leave(&mut self, index: usize, seq: u64, at_ns: i64, out: &mut Vec<Merged>) -> bool {
        let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.view.began_seq == seq) else {
            return false;
        };
        let twin = slot.twin.take();
        slot.seen.clear();
        // A tweet with many frames must not leave its memory to a slot of two frames.
        if slot.seen.capacity() > KEEP_SEEN {
            slot.seen.shrink_to_fit();
        }
        let (serial, was_saved) = (slot.serial, std::mem::take(&mut slot.is_saved));
        slot.is_dirty = false;
        if let Some(changes) = self.changes.as_mut().filter(|_| was_saved) {
            changes.gone.push(serial);
        }
        self.free.push(index);
        if !self.index.replace(index, twin, &self.slots)
            && let Some(head) = self.index.get(&self.slots[index].view.tweet_id, &self.slots)
        {
            self.unlink(head, index, twin);
        }
        // The view travels in `out` and waits among the spares; the free slot must not hold it, or it could not be
        // reused.
        let view = std::mem::replace(&mut self.slots[index].view, Arc::clone(&self.nobody));
        if self.spare.len() == SPARE_VIEWS {
            self.spare.pop_front();
        }
        self.spare.push_back(Arc::clone(&view));
        out.push(Merged::Left { view, at_ns });
        true
    }

    fn unlink(&mut self, head: usize, gone: usize, after: Option<usize>) {
        let mut here = Some(head);
        while let Some(slot) = here.and_then(|index| self.slots.get_mut(index)) {
            if slot.twin == Some(gone) {
                slot.twin = after;
                return;
            }
            here = slot.twin;
        }
    }

    fn join(&mut self, index: usize, event: &Event, stamp: Stamp, out: &mut Vec<Merged>) {
        let slot = &mut self.slots[index];
        // The protocol identifies a frame by its event id, or, without one, by operation and payload.
        let mark = (event.op, event.fingerprint);
        if event.event_id.is_none() {
            if slot.seen.contains(&mark) {
                self.counters.duplicates += 1;
                return;
            }
            // Later frames are left out of the view anyway.
            if slot.seen.len() <= FRAMES_PER_TWEET {
                slot.seen.push(mark);
            }
        }
        self.touch(index);
        let slot = &mut self.slots[index];
        let had_content = slot.view.content.is_some();
        // Copies only if the view is shared, for example with a rule that waits.
        let view = Arc::make_mut(&mut slot.view);
        let arrival = Arrival { recv_ns: stamp.now_ns, sent_ms: event.ts_ms, is_late: stamp.is_late };
        match view.merge(event, arrival) {
            view::Joined::Done => {}
            view::Joined::AssetsFull => self.counters.assets_over += 1,
            view::Joined::Full => {
                self.counters.frames_over += 1;
                return;
            }
        }
        let view = &self.slots[index].view;
        self.counters.joined += 1;
        self.counters.before_content += u64::from(view.content.is_none());
        out.push(Merged::Changed(Change {
            view: Arc::clone(view),
            op: event.op,
            // A second content updates the view but never opens again.
            is_first_content: event.op == Op::Content && !had_content,
            arrival,
        }));
    }
}

impl Slot {
    fn new(view: Arc<View>, seen: Seen, serial: u64) -> Self {
        Self { view, seen, twin: None, serial, is_dirty: false, is_listed: false, is_saved: false }
    }

    fn save(&self) -> ViewState {
        ViewState { serial: self.serial, view: Arc::clone(&self.view), seen: self.seen.to_vec() }
    }
}
