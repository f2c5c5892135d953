//! What is to be done about a decision, given those that came before it.

use std::collections::VecDeque;

use stoop::model::{Decision, DecisionId, DecisionKind, HashMap, Side};

/// Decisions remembered; the oldest is forgotten, and what still follows it is passed over.
const MOST: usize = 65_536;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Enter what the decision is about.
    Enter,
    /// Leave what was entered, enter what it is about now.
    Replace,
    /// Leave what was entered.
    Undo,
    /// Tell people; there is nothing to trade.
    Tell,
    /// What was entered, or told, stands.
    Keep,
    /// Nothing.
    Pass(Why),
}

/// Why nothing is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// This step has been seen before.
    Repeat,
    /// The latest moment to enter has passed.
    Expired,
    /// It follows an open that was not acted on, or never seen.
    NotOpen,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Entered,
    Told,
    Out,
}

struct Life {
    revision: u32,
    standing: Standing,
}

/// The decisions seen, by id.
#[derive(Default)]
pub(crate) struct Book {
    lives: HashMap<DecisionId, Life>,
    order: VecDeque<DecisionId>,
}

impl Book {
    /// Takes the next step of a decision at Unix time `now_ms`.
    pub(crate) fn act(&mut self, decision: &Decision, now_ms: i64) -> Action {
        let revision = decision.revision;
        let before = match self.lives.get_mut(&decision.id) {
            Some(life) if revision <= life.revision => return Action::Pass(Why::Repeat),
            Some(life) => {
                life.revision = revision;
                Some(life.standing)
            }
            None => None,
        };
        let (action, after) = step(decision, before, now_ms > decision.expires_ms);
        if let Some(life) = self.lives.get_mut(&decision.id) {
            life.standing = after;
        } else {
            self.remember(decision.id, Life { revision, standing: after });
        }
        action
    }

    fn remember(&mut self, id: DecisionId, life: Life) {
        self.lives.insert(id, life);
        self.order.push_back(id);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.lives.remove(&oldest);
        }
    }
}

/// The action and how the decision stands after it.
fn step(decision: &Decision, before: Option<Standing>, is_over: bool) -> (Action, Standing) {
    let can_trade = decision.rule.side != Side::Alert && decision.asset.is_some();
    match (decision.kind, before) {
        (DecisionKind::Open, _) if is_over => (Action::Pass(Why::Expired), Standing::Out),
        (DecisionKind::Open, _) if can_trade => (Action::Enter, Standing::Entered),
        (DecisionKind::Open, _) => (Action::Tell, Standing::Told),
        (_, None | Some(Standing::Out)) => (Action::Pass(Why::NotOpen), Standing::Out),
        // It is known now that the wrong thing was entered, and too late to enter the right one.
        (DecisionKind::Revise, Some(Standing::Entered)) if is_over => (Action::Undo, Standing::Out),
        (DecisionKind::Revise, Some(Standing::Entered)) => (Action::Replace, Standing::Entered),
        // Words alone have opened it; what to trade has come since.
        (DecisionKind::Revise, Some(Standing::Told)) if can_trade && !is_over => {
            (Action::Enter, Standing::Entered)
        }
        (DecisionKind::Revise, Some(Standing::Told)) => (Action::Tell, Standing::Told),
        (DecisionKind::Confirm | DecisionKind::Lapse, Some(standing)) => (Action::Keep, standing),
        (DecisionKind::Cancel, Some(Standing::Entered)) => (Action::Undo, Standing::Out),
        (DecisionKind::Cancel, Some(Standing::Told)) => (Action::Tell, Standing::Out),
    }
}
