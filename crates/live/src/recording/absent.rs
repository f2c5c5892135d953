//! Without the feature `tape` nothing is recorded: there is no tap, so that nothing below is ever called.

use crossbeam_channel::Receiver;
use serde_json::Value;
use stoop_engine::Input;
use stoop_model::Decision;

use super::TapeCounters;
use crate::store::Save;

#[derive(Debug)]
pub(crate) enum Recording {}

impl Recording {
    pub(crate) fn finish(&mut self) -> TapeCounters {
        match *self {}
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Tap {}

impl Tap {
    pub(crate) fn input<B: AsRef<[u8]>>(&mut self, _: &Input<B>) {
        match *self {}
    }

    pub(crate) fn note(&mut self, _: i64, _: &Value) {
        match *self {}
    }

    pub(crate) fn decision(&mut self, _: &Decision) {
        match *self {}
    }

    pub(crate) fn close(&mut self, _: i64) {
        match *self {}
    }

    pub(crate) fn wants_cut(&self) -> bool {
        match *self {}
    }

    pub(crate) fn cut(&mut self, _: i64, _: Receiver<Box<Save>>) -> bool {
        match *self {}
    }

    pub(crate) fn counters(&self) -> TapeCounters {
        match *self {}
    }
}
