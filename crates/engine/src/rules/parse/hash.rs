//! The hash of a rule.
//!
//! It is over a text whose form is fixed like that of a file: decisions, tapes and studies name rules by their hashes.
//! The text looks like Rust's `Debug` output, but every letter of it is written here: renaming a type or a field
//! changes no hash.
//!
//! ```text
//! (LABEL, ORIGIN, CONTENT, TIMES)LATE NEWER        without the space before NEWER
//!
//! LABEL    (name, Alert | Buy | Sell, destination, params as JSON)
//! ORIGIN   ([Content | Update | Meta | Pin | Unpin], authors?, [Twitter | TruthSocial]?, [Post | Quote | …],
//!          min_followers?, [verified]?)
//!          authors: Authors { handles: [handle], ids: [id] }
//! CONTENT  (TERMS, [(TERMS, ASSETS?)] of any_of, ASSETS?, [MARKET] of emit)
//!          TERMS:  [TERM] any, [TERM] all, [TERM] none, [Text | Ocr | …] in; one after the other, as a quoted text
//!          TERM:   (as written, Some(folded), Word | Prefix | Substring)
//!          ASSETS: AssetFilter { tokens: bool, cex: [venue], prediction: [venue], addresses: bool }
//!          MARKET: Market { class: Cex | Prediction, venue: venue, name: name }
//! TIMES    (max_age?, TwoPhase { settle_ns: ns } | Content | Enriched { wait_ns: ns, opens_on_timeout: bool }, ttl)
//! LATE     allow_late, if the rule says so
//! NEWER    ;key=value for each key that is newer than the first hashes and set
//! ```
//!
//! Texts stand in quotes, escaped; lists in brackets; what may be missing is `Some(…)` or `None`; times are in ns.

// The text must not change with the name of a type.
#![deny(clippy::use_debug)]

use caseless::Caseless;
use sha2::{Digest, Sha256};
use stoop_model::{AssetClass, Op, Platform, Side, TextField, TweetKind};
use unicode_normalization::UnicodeNormalization;

use crate::rules::conditions::{Authors, Condition, Rule};
use crate::rules::rule::{AssetFilter, Fire, Market, Term, TermMode, Terms};
use crate::rules::written::Form;

/// The first 8 bytes of SHA-256 over everything the rule says, defaults filled in.
///
/// A key that is newer than the first hashes is part of the text only where it is set: the hash of a rule that does not
/// speak of it stays what it was.
pub(super) fn of(rule: &Rule) -> [u8; 8] {
    let digest = Sha256::digest(text(rule).as_bytes());
    std::array::from_fn(|index| digest[index])
}

/// The text that the hash is over.
fn text(rule: &Rule) -> String {
    let late = if rule.allow_late { "allow_late" } else { "" };
    let parts = tuple(&[label(rule), origin(rule), content(rule), times(rule)]);
    format!("{parts}{late}{}", newer(rule))
}

fn label(rule: &Rule) -> String {
    let label = &rule.label;
    let side = match label.side {
        Side::Alert => "Alert",
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    };
    tuple(&[quoted(&label.name), side.to_owned(), quoted(&label.destination), quoted(&label.params)])
}

fn origin(rule: &Rule) -> String {
    tuple(&[
        list(&rule.on, |op| operation(*op).to_owned()),
        optional(rule.authors.as_ref(), authors),
        optional(rule.platforms.as_ref(), |platforms| list(platforms, platform)),
        list(&rule.kinds, kind),
        optional(rule.min_followers, |count| count.to_string()),
        optional(rule.verified.as_ref(), |kinds| list(kinds, |kind| quoted(kind))),
    ])
}

fn content(rule: &Rule) -> String {
    let branches = list(&rule.any_of, |branch| {
        tuple(&[quoted(&terms(&branch.terms)), optional(branch.assets.as_ref(), assets)])
    });
    let own = quoted(&terms(&rule.terms));
    tuple(&[own, branches, optional(rule.assets.as_ref(), assets), list(&rule.emit, market)])
}

fn times(rule: &Rule) -> String {
    let fire = match rule.fire {
        Fire::TwoPhase { settle_ns } => format!("TwoPhase {{ settle_ns: {settle_ns} }}"),
        Fire::Content => "Content".to_owned(),
        Fire::Enriched { wait_ns, opens_on_timeout } => {
            format!("Enriched {{ wait_ns: {wait_ns}, opens_on_timeout: {opens_on_timeout} }}")
        }
    };
    tuple(&[optional(rule.max_age_ns, |ns| ns.to_string()), fire, rule.ttl_ns.to_string()])
}

fn operation(op: Op) -> &'static str {
    match op {
        Op::Content => "Content",
        Op::Update => "Update",
        Op::Meta => "Meta",
        Op::Pin => "Pin",
        Op::Unpin => "Unpin",
        // The parser lets none of these through.
        Op::Delete
        | Op::ProfileUpdate
        | Op::Follow
        | Op::Unfollow
        | Op::Callout
        | Op::HandlesResult
        | Op::AuthPing
        | Op::AuthPong
        | Op::UnknownOp
        | Op::UnknownFamily => "Other",
    }
}

fn authors(authors: &Authors) -> String {
    let names = |names: &[String]| list(names, |name| quoted(name));
    format!("Authors {{ handles: {}, ids: {} }}", names(&authors.handles), names(&authors.ids))
}

fn platform(platform: &Platform) -> String {
    match platform {
        Platform::Twitter => "Twitter".to_owned(),
        Platform::TruthSocial => "TruthSocial".to_owned(),
        Platform::Other(name) => format!("Other({})", quoted(name)),
    }
}

fn kind(kind: &TweetKind) -> String {
    let name = match kind {
        TweetKind::Post => "Post",
        TweetKind::Quote => "Quote",
        TweetKind::SelfReply => "SelfReply",
        TweetKind::Reply => "Reply",
        TweetKind::Retweet => "Retweet",
        TweetKind::Other(name) => return format!("Other({})", quoted(name)),
    };
    name.to_owned()
}

fn terms(terms: &Terms) -> String {
    let some = |terms: &[Term]| list(terms, term);
    let fields = list(&terms.fields, |field| field_name(*field).to_owned());
    format!("{}{}{}{fields}", some(&terms.any), some(&terms.all), some(&terms.none))
}

fn term(term: &Term) -> String {
    let mode = match term.mode {
        TermMode::Substring => "Substring",
        TermMode::Prefix => "Prefix",
        TermMode::Word => "Word",
    };
    tuple(&[quoted(&term.written), format!("Some({})", quoted(&pattern(term))), mode.to_owned()])
}

fn field_name(field: TextField) -> &'static str {
    match field {
        TextField::Text => "Text",
        TextField::FirstLine => "FirstLine",
        TextField::Ref => "Ref",
        TextField::Ocr => "Ocr",
        TextField::Mentions => "Mentions",
        TextField::Urls => "Urls",
        TextField::Bio => "Bio",
        TextField::Name => "Name",
    }
}

/// The keys of `assets` that every hash is over.
fn assets(filter: &AssetFilter) -> String {
    let venues = |venues: &[String]| list(venues, |venue| quoted(venue));
    format!(
        "AssetFilter {{ tokens: {}, cex: {}, prediction: {}, addresses: {} }}",
        filter.tokens,
        venues(&filter.cex),
        venues(&filter.prediction),
        filter.addresses
    )
}

fn market(market: &Market) -> String {
    let class = match market.class {
        AssetClass::Cex => "Cex",
        AssetClass::Prediction => "Prediction",
        // The parser lets none of these through.
        AssetClass::Token | AssetClass::Address | AssetClass::Ticker => "Other",
    };
    let (venue, name) = (quoted(&market.venue), quoted(&market.name));
    format!("Market {{ class: {class}, venue: {venue}, name: {name} }}")
}

fn tuple(parts: &[String]) -> String {
    format!("({})", parts.join(", "))
}

fn list<T>(items: &[T], each: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(each).collect::<Vec<_>>().join(", "))
}

fn optional<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("Some({})", show(value)))
}

/// A text in quotes, each letter as [`char::escape_debug`] has it, except that `'` needs no escape between `"`.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        if letter == '\'' {
            out.push(letter);
        } else {
            out.extend(letter.escape_debug());
        }
    }
    out.push('"');
    out
}

/// The keys that not every hash is over, where they are set.
fn newer(rule: &Rule) -> String {
    let mut set: Vec<String> = Vec::new();
    let branches = rule.any_of.iter().map(|branch| branch.assets.as_ref());
    for (index, filter) in std::iter::once(rule.assets.as_ref()).chain(branches).enumerate() {
        let Some(filter) = filter else { continue };
        if let Some(forms) = filter.written {
            let forms: Vec<_> = forms.iter().map(Form::as_str).collect();
            set.push(format!(";{index} written={}", forms.join(",")));
        }
        if filter.is_first_line {
            set.push(format!(";{index} in=first_line"));
        }
        for (key, list) in [("only", &filter.only), ("except", &filter.except)] {
            if !list.is_empty() {
                set.push(format!(";{index} {key}={}", list.join(",")));
            }
        }
        set.extend(filter.max.map(|max| format!(";{index} max={max}")));
    }
    if rule.keeps_unnamed {
        set.push(";on_unnamed=keep".to_owned());
    }
    set.extend(Condition::ALL.iter().filter_map(|condition| condition.hashed(rule)));
    set.concat()
}

/// The text of a term as hashes have always had it, which is not how texts are searched for it.
fn pattern(term: &Term) -> String {
    let stem = match term.mode {
        TermMode::Prefix => term.written.strip_suffix('*').unwrap_or(&term.written).trim(),
        TermMode::Word => term.written.trim(),
        TermMode::Substring => &term.written,
    };
    let visible =
        stem.nfkc().filter(|letter| !matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'));
    let mut out = String::new();
    for letter in visible.default_case_fold() {
        if !letter.is_whitespace() {
            out.push(letter);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;

    #[track_caller]
    fn check(rule: &str, expect: &[&str]) {
        let set = RuleSet::parse("r.toml", &format!("[[rule]]\nname = \"r\"\n{rule}")).unwrap();
        assert_eq!(text(&set.rules[0]), expect.concat());
    }

    #[test]
    fn the_text_of_a_rule_has_its_defaults() {
        check(
            "",
            &[
                r#"(("r", Alert, "default", "{}"), "#,
                "([Content, Update, Meta], None, None, [Post, Quote, SelfReply], None, None), ",
                r#"("[][][][Text, Ocr]", [], None, []), "#,
                "(None, TwoPhase { settle_ns: 3000000000 }, 30000000000))",
            ],
        );
    }

    #[test]
    fn newer_keys_follow_where_they_are_set() {
        let rule = r#"
            any = ["Don't \"A\""]
            on = ["content"]
            kinds = ["post"]
            assets = { tokens = true, max = 3 }
            on_unnamed = "keep"
            allow_late = true
            cooldown = "1s"
        "#;
        check(
            rule,
            &[
                r#"(("r", Alert, "default", "{}"), ([Content], None, None, [Post], None, None), "#,
                r#"("[(\"Don't \\\"A\\\"\", Some(\"don't \\\"a\\\"\"), Word)][][][Text, Ocr]", [], "#,
                "Some(AssetFilter { tokens: true, cex: [], prediction: [], addresses: false }), []), ",
                "(None, TwoPhase { settle_ns: 3000000000 }, 30000000000))",
                "allow_late;0 max=3;on_unnamed=keep;cooldown=1000000000 by asset",
            ],
        );
    }

    #[test]
    fn texts_are_escaped() {
        for (text, expect) in [
            ("a'b\"c\\\n\t\r\0", r#""a'b\"c\\\n\t\r\0""#),
            ("é日😀", "\"é日😀\""),
            ("e\u{301}\u{ad}\u{200b}\u{1}", r#""e\u{301}\u{ad}\u{200b}\u{1}""#),
        ] {
            assert_eq!(quoted(text), expect);
        }
    }
}
