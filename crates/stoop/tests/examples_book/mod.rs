//! The book of the example `execution`, with a clock that the test sets.

use stoop::model::{Decision, DecisionKind};

use crate::book::{Action, Book, Why};

const RULES: &str = r#"
[[rule]]
name = "token"
any = ["token"]
none = ["correction*"]
assets = { tokens = true, addresses = true }
settle = "1s"
side = "buy"

[[rule]]
name = "told"
any = ["token"]
none = ["correction*"]
assets = { tokens = true, addresses = true }

[[rule]]
name = "either"
all = ["this"]
any_of = [{ any = ["watch"] }, { assets = { tokens = true } }]
side = "buy"
"#;

/// Steps of the first decision of a rule that goes through these kinds.
fn life(rule: &str, kinds: &[DecisionKind]) -> Vec<Decision> {
    let decisions = crate::replayed(RULES);
    let opens = decisions.iter().filter(|it| it.kind == DecisionKind::Open && it.rule.name == rule);
    for open in opens {
        let steps: Vec<Decision> = decisions.iter().filter(|it| it.id == open.id).cloned().collect();
        if steps.iter().map(|step| step.kind).eq(kinds.iter().copied()) {
            return steps;
        }
    }
    panic!("no decision of {rule} goes through {kinds:?}")
}

/// What the book does with steps that are taken as they are decided.
fn acts(book: &mut Book, steps: &[Decision]) -> Vec<Action> {
    steps.iter().map(|step| book.act(step, step.decided_ns / 1_000_000)).collect()
}

#[test]
fn a_revise_replaces_and_a_cancel_undoes() {
    let steps = life("token", &[DecisionKind::Open, DecisionKind::Revise, DecisionKind::Cancel]);
    assert_eq!(acts(&mut Book::default(), &steps), [Action::Enter, Action::Replace, Action::Undo]);
}

#[test]
fn a_confirm_and_a_lapse_change_nothing() {
    let steps = life("token", &[DecisionKind::Open, DecisionKind::Lapse, DecisionKind::Confirm]);
    assert_eq!(acts(&mut Book::default(), &steps), [Action::Enter, Action::Keep, Action::Keep]);
}

#[test]
fn an_alert_is_told_and_so_is_its_end() {
    let steps = life("told", &[DecisionKind::Open, DecisionKind::Cancel]);
    assert_eq!(acts(&mut Book::default(), &steps), [Action::Tell; 2]);
}

#[test]
fn what_words_alone_have_opened_is_entered_once_an_asset_is_named() {
    let steps = life("either", &[DecisionKind::Open, DecisionKind::Revise]);
    assert!(steps[0].asset.is_none());
    assert_eq!(acts(&mut Book::default(), &steps)[..2], [Action::Tell, Action::Enter]);
}

#[test]
fn a_step_that_comes_twice_is_acted_on_once() {
    let steps = crate::replayed(RULES);
    let mut book = Book::default();
    acts(&mut book, &steps);
    let again = acts(&mut book, &steps);
    assert!(again.iter().all(|action| *action == Action::Pass(Why::Repeat)), "{again:?}");
}

#[test]
fn an_open_taken_too_late_is_passed_over_with_what_follows() {
    let steps = life("token", &[DecisionKind::Open, DecisionKind::Cancel]);
    let mut book = Book::default();
    assert_eq!(book.act(&steps[0], steps[0].expires_ms + 1), Action::Pass(Why::Expired));
    assert_eq!(book.act(&steps[1], steps[1].expires_ms + 1), Action::Pass(Why::NotOpen));
}

#[test]
fn an_open_at_the_last_moment_is_entered() {
    let steps = life("token", &[DecisionKind::Open, DecisionKind::Cancel]);
    assert_eq!(Book::default().act(&steps[0], steps[0].expires_ms), Action::Enter);
}

#[test]
fn a_revise_too_late_to_enter_undoes() {
    let steps = life("token", &[DecisionKind::Open, DecisionKind::Revise, DecisionKind::Cancel]);
    let mut book = Book::default();
    acts(&mut book, &steps[..1]);
    assert_eq!(book.act(&steps[1], steps[1].expires_ms + 1), Action::Undo);
    assert_eq!(book.act(&steps[2], steps[2].expires_ms + 1), Action::Pass(Why::NotOpen));
}

#[test]
fn what_follows_an_open_never_seen_is_passed_over() {
    let steps = life("token", &[DecisionKind::Open, DecisionKind::Revise, DecisionKind::Cancel]);
    let acts = acts(&mut Book::default(), &steps[1..]);
    assert_eq!(acts, [Action::Pass(Why::NotOpen); 2]);
}
