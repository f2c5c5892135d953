//! What is kept over a restart: the store as `store::Keeper` drives it, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use stoop_engine::{CooldownState, Head, State, TweetState, ViewState};

use crate::store::{Delivery, Save};

/// Takes states on their way to be kept.
pub(super) struct Keeper {
    pub(super) sender: Sender<Box<Save>>,
    pub(super) arrived: Receiver<Box<Save>>,
    /// A state is on its way or being written.
    pub(super) is_busy: bool,
    /// What is being written, and how many inputs are behind it.
    pub(super) written: Option<(Box<Save>, usize)>,
    pub(super) delivery: Arc<Delivery>,
    /// Nothing was written in this run.
    is_fresh: bool,
    /// When a state was asked for last, and behind how many changes.
    pub(super) saved_ns: i64,
    pub(super) changes: usize,
}

/// What is on the disk.
#[derive(Default)]
pub(super) struct Kept {
    head: Head,
    views: BTreeMap<u64, ViewState>,
    tweets: BTreeMap<u64, TweetState>,
    cooldowns: BTreeMap<u64, CooldownState>,
    events: BTreeMap<u64, u128>,
    pub(super) up_ns: Option<i64>,
    /// How many inputs of the run that wrote it are behind it; none: nothing was ever written.
    pub(super) inputs: Option<usize>,
}

impl Keeper {
    pub(super) fn new(delivery: Arc<Delivery>, now_ns: i64) -> Self {
        let (sender, arrived) = bounded(2);
        Self {
            sender,
            arrived,
            is_busy: false,
            written: None,
            delivery,
            is_fresh: true,
            saved_ns: now_ns,
            changes: 0,
        }
    }

    /// Every decision in what is being written has reached its output, or was dropped.
    pub(super) fn may_commit(&self) -> bool {
        let next_seq = self.written.as_ref().map(|(save, _)| save.state.head.decisions);
        let needed = next_seq.and_then(|next_seq| self.delivery.needed(next_seq));
        needed.is_some_and(|needed| self.delivery.has(needed))
    }

    /// How many decisions the state knows of that was asked for last, if it is on its way.
    pub(super) fn last(&self) -> Option<u64> {
        let written = self.written.as_ref().map(|(save, _)| save.state.head.decisions);
        self.arrived.try_iter().last().map(|save| save.state.head.decisions).or(written)
    }

    pub(super) fn commit(&mut self, kept: &mut Kept) {
        let Some((save, inputs)) = self.written.take() else { return };
        if std::mem::replace(&mut self.is_fresh, false) {
            *kept = Kept { up_ns: kept.up_ns, ..Kept::default() };
        }
        let Save { state, up_ns } = *save;
        kept.head = state.head;
        kept.up_ns = up_ns.or(kept.up_ns);
        kept.inputs = Some(inputs);
        state.gone.views.iter().for_each(|serial| drop(kept.views.remove(serial)));
        state.gone.tweets.iter().for_each(|serial| drop(kept.tweets.remove(serial)));
        state.gone.cooldowns.iter().for_each(|serial| drop(kept.cooldowns.remove(serial)));
        kept.views.extend(state.views.into_iter().map(|view| (view.serial, view)));
        kept.tweets.extend(state.tweets.into_iter().map(|tweet| (tweet.serial, tweet)));
        kept.cooldowns.extend(state.cooldowns.into_iter().map(|cooldown| (cooldown.serial, cooldown)));
        kept.events.extend(state.events);
        kept.events.retain(|place, _| *place >= state.gone.events_before);
        self.is_busy = false;
    }
}

impl Kept {
    /// How many decisions it knows of.
    pub(super) fn decisions(&self) -> usize {
        self.head.decisions as usize
    }

    /// What a run begins with; none if nothing was ever written.
    pub(super) fn state(&self) -> Option<State> {
        self.inputs?;
        let state = State {
            head: self.head.clone(),
            views: self.views.values().cloned().collect(),
            tweets: self.tweets.values().cloned().collect(),
            cooldowns: self.cooldowns.values().cloned().collect(),
            events: self.events.iter().map(|(place, id)| (*place, *id)).collect(),
            ..State::default()
        };
        Some(super::tape::written_and_read(&state))
    }
}
