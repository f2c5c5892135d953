//! The hash of a rule.

use caseless::Caseless;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use crate::rules::rule::{self, Rule, Term, TermMode, Terms};
use crate::rules::written::Form;

/// The first 8 bytes of SHA-256 over everything the rule says, defaults filled in.
///
/// A key that is newer than the first hashes is part of the text only where it is set: the hash of a rule that does not
/// speak of it stays what it was.
pub(super) fn of(rule: &Rule) -> [u8; 8] {
    let terms = |terms: &Terms| {
        let list = |list: &[Term]| -> Vec<_> {
            list.iter().map(|term| (term.written.clone(), Some(pattern(term)), term.mode)).collect()
        };
        format!("{:?}{:?}{:?}{:?}", list(&terms.any), list(&terms.all), list(&terms.none), terms.fields)
    };
    let branches: Vec<_> = rule
        .any_of
        .iter()
        .map(|branch| (terms(&branch.terms), branch.assets.as_ref().map(AssetFilter::of)))
        .collect();
    let late = if rule.allow_late { "allow_late" } else { "" };
    let text = format!(
        "{:?}{late}{}",
        (
            (&rule.label.name, rule.label.side, &rule.label.destination, &rule.label.params),
            (&rule.on, &rule.authors, &rule.platforms, &rule.kinds, rule.min_followers, &rule.verified),
            (terms(&rule.terms), branches, rule.assets.as_ref().map(AssetFilter::of), &rule.emit),
            (rule.max_age_ns, rule.fire, rule.ttl_ns),
        ),
        newer(rule)
    );
    let digest = Sha256::digest(text.as_bytes());
    std::array::from_fn(|index| digest[index])
}

/// The keys of `assets` that every hash is over.
#[derive(Debug)]
#[expect(dead_code, reason = "its `Debug` output is hashed")]
struct AssetFilter<'a> {
    tokens: bool,
    cex: &'a [String],
    prediction: &'a [String],
    addresses: bool,
}

impl<'a> AssetFilter<'a> {
    fn of(filter: &'a rule::AssetFilter) -> Self {
        Self {
            tokens: filter.tokens,
            cex: &filter.cex,
            prediction: &filter.prediction,
            addresses: filter.addresses,
        }
    }
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
    set.extend(rule.tradable.as_ref().map(|venues| format!(";tradable={}", venues.join(","))));
    let cooldown = rule.cooldown;
    set.extend(
        cooldown.map(|cooldown| format!(";cooldown={} by {}", cooldown.span_ns, cooldown.by.as_str())),
    );
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
