//! The triggers of a rule, and when it decides.

use stoop_model::Op;

use super::SECOND_NS;
use crate::rules::rule::Fire;
use crate::syntax::{SyntaxError, Table};

/// `on`.
pub(super) fn operations(table: &Table<'_>) -> Result<Vec<Op>, SyntaxError> {
    let known = [
        ("content", Op::Content),
        ("update", Op::Update),
        ("meta", Op::Meta),
        ("pin", Op::Pin),
        ("unpin", Op::Unpin),
    ];
    let on = table.choices("on", &known)?;
    Ok(on.unwrap_or_else(|| vec![Op::Content, Op::Update, Op::Meta]))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FireName {
    TwoPhase,
    Content,
    Enriched,
}

/// `fire` and its deadlines.
pub(super) fn fire(table: &Table<'_>, warnings: &mut Vec<SyntaxError>) -> Result<Fire, SyntaxError> {
    let known =
        [("two_phase", FireName::TwoPhase), ("content", FireName::Content), ("enriched", FireName::Enriched)];
    let name = table.choice("fire", &known)?.unwrap_or(FireName::TwoPhase);
    for (key, of, what) in [
        ("settle", FireName::TwoPhase, "two_phase"),
        ("wait", FireName::Enriched, "enriched"),
        ("on_timeout", FireName::Enriched, "enriched"),
    ] {
        if name != of
            && let Some(at) = table.get(key)
        {
            warnings.push(at.error(format!("`{key}` goes with fire = \"{what}\"; it is not looked at")));
        }
    }
    let settle = table.duration("settle")?.map_or(3 * SECOND_NS, |at| at.value);
    let wait = table.duration("wait")?.map_or(3 * SECOND_NS, |at| at.value);
    let opens = table.choice("on_timeout", &[("drop", false), ("open", true)])?.unwrap_or(false);
    Ok(match name {
        FireName::TwoPhase => Fire::TwoPhase { settle_ns: settle },
        FireName::Content => Fire::Content,
        FireName::Enriched => Fire::Enriched { wait_ns: wait, opens_on_timeout: opens },
    })
}
