//! The series of a folder by their names, however a name is written.

use std::collections::BTreeMap;

/// The series of a folder that match a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'p> {
    /// Nothing.
    Nothing,
    /// One series, called so by its files.
    One(&'p str),
    /// Several whose names differ from it and from each other by case and separators only: the name is ambiguous.
    Several(&'p [String]),
}

/// Names of series by what is left of them without case and separators.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeMap<String, Vec<String>>);

impl Names {
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n String>) -> Self {
        let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in names {
            alike.entry(plain(name)).or_default().push(name.clone());
        }
        Self(alike)
    }

    /// The series that is meant by a name: the one called exactly so; else the only one that differs only by case;
    /// else the only one called so without the separators, as Binance names spot markets; else the only one that
    /// differs by case and separators.
    pub(super) fn find(&self, name: &str) -> Named<'_> {
        let plain = plain(name);
        let Some(alike) = self.0.get(&plain) else { return Named::Nothing };
        if let Some(exact) = alike.iter().find(|known| *known == name) {
            return Named::One(exact);
        }
        // The nearest spelling first; if two are equally near, the name is ambiguous and no series is guessed.
        for wanted in [name.to_uppercase(), plain] {
            let mut same = alike.iter().filter(|known| known.to_uppercase() == wanted);
            match (same.next(), same.next()) {
                (Some(only), None) => return Named::One(only),
                (Some(_), Some(_)) => return Named::Several(alike),
                (None, _) => {}
            }
        }
        match alike.as_slice() {
            [only] => Named::One(only),
            several => Named::Several(several),
        }
    }
}

/// A name in capitals, without what separates its parts.
pub(crate) fn plain(name: &str) -> String {
    name.to_uppercase().replace(['-', '/', '_'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &[&str], name: &str) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        match Names::new(names.iter()).find(name) {
            Named::Nothing => "none".to_owned(),
            Named::One(one) => one.to_owned(),
            Named::Several(several) => format!("{several:?}"),
        }
    }

    #[test]
    fn a_name_is_found_in_any_case_and_with_any_separators() {
        for (file, asked) in [
            ("BTCUSD_PERP", "BTCUSD_PERP"),
            ("BTCUSD_PERP", "btcusd_perp"),
            ("BTCUSD_PERP", "BTCUSD-PERP"),
            ("BTCUSDT_250926", "BTCUSDT_250926"),
            ("kshibusdt", "KSHIBUSDT"),
            ("EDGEUSDT", "EDGE-USDT"),
            ("EDGEUSDT", "edge/usdt"),
            ("edge_usdt", "EDGEUSDT"),
            ("币安人生USDT", "币安人生_usdt"),
        ] {
            assert_eq!(find(&["OTHER", file], asked), file, "{asked}");
        }
    }

    #[test]
    fn what_differs_by_more_than_case_and_separators_is_another_series() {
        for (file, asked) in [
            ("BTCUSDT_250926", "BTCUSDT"),
            ("BTCUSDT", "BTCUSDT_250926"),
            ("1000PEPEUSDT", "PEPEUSDT"),
            ("BTCUSD_PERP", "BTCUSD"),
        ] {
            assert_eq!(find(&[file], asked), "none", "{asked}");
        }
    }

    #[test]
    fn of_names_that_are_alike_the_nearest_counts_if_there_is_one() {
        let alike = ["EDGEUSDT", "EDGE_USDT", "edge_usdt"];
        for name in alike {
            assert_eq!(find(&alike, name), name, "each is a series of its own");
        }
        // By case alone it differs from two of them.
        let all = format!("{alike:?}");
        assert_eq!(find(&alike, "Edge_Usdt"), all);
        assert_eq!(find(&alike, "edgeusdt"), "EDGEUSDT");
        assert_eq!(find(&alike, "EDGE-USDT"), "EDGEUSDT");
        assert_eq!(find(&["edge_usdt", "EDGE_USDT"], "EDGEUSDT"), r#"["edge_usdt", "EDGE_USDT"]"#);
        assert_eq!(find(&["edgeusdt", "EdgeUsdt"], "EDGEUSDT"), r#"["edgeusdt", "EdgeUsdt"]"#);
    }
}
