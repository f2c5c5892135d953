//! The hash of a rule.

use sha2::{Digest, Sha256};

use crate::signal::rule::{Rule, Term, Terms};

/// The first 8 bytes of SHA-256 over everything the rule says, defaults filled in.
pub(super) fn of(rule: &Rule, patterns: &[String]) -> [u8; 8] {
    let terms = |terms: &Terms| {
        let list = |list: &[Term]| -> Vec<_> {
            list.iter()
                .map(|term| (term.written.clone(), patterns.get(term.pattern).cloned(), term.mode))
                .collect()
        };
        format!("{:?}{:?}{:?}{:?}", list(&terms.any), list(&terms.all), list(&terms.none), terms.fields)
    };
    let branches: Vec<_> = rule.any_of.iter().map(|branch| (terms(&branch.terms), &branch.assets)).collect();
    // Only where it is set: the hash of a rule that does not speak of it stays what it was.
    let late = if rule.allow_late { "allow_late" } else { "" };
    let text = format!(
        "{:?}{late}",
        (
            (&rule.label.name, rule.label.side, &rule.label.destination, &rule.label.params),
            (&rule.on, &rule.authors, &rule.platforms, &rule.kinds, rule.min_followers, &rule.verified),
            (terms(&rule.terms), branches, &rule.assets, &rule.emit),
            (rule.max_age_ns, rule.fire, rule.ttl_ns),
        )
    );
    let digest = Sha256::digest(text.as_bytes());
    std::array::from_fn(|index| digest[index])
}
