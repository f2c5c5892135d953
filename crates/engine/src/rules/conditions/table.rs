//! The macro that makes the table of conditions.

/// Makes [`Condition`](super::Condition) and what walks it of one entry for each condition, and adds the fields that the
/// entries name to the rule.
///
/// A macro, so that the walk is straight code with every condition inlined: each rule goes through it on each view, and a
/// table of function pointers cannot be inlined.
macro_rules! conditions {
    (
        $(#[$rule_attribute:meta])*
        pub struct Rule { $($rule_fields:tt)* }

        $(
            $(#[$doc:meta])*
            $name:ident => $check:path $({ $(#[$field_doc:meta])* $field:ident: $type:ty })?,
        )*
    ) => {
        $(#[$rule_attribute])*
        pub struct Rule {
            $($( $(#[$field_doc])* pub $field: $type, )?)*
            $($rule_fields)*
        }

        /// A condition of a rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Condition {
            $( $(#[$doc])* $name, )*
        }

        impl Condition {
            /// All of them, in the order in which they are tested and explained.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// When it is tested.
            #[cfg(test)]
            pub(crate) fn stage(self) -> Stage {
                match self {
                    $( Self::$name => <$check as Check>::STAGE, )*
                }
            }

            /// Its keys in a rule; the first names it.
            pub(crate) fn keys(self) -> &'static [&'static str] {
                match self {
                    $( Self::$name => <$check as Check>::KEYS, )*
                }
            }

            /// What it adds to the text that a rule's hash is over.
            pub(in crate::rules) fn hashed(self, rule: &Rule) -> Option<String> {
                match self {
                    $( Self::$name => <$check as Check>::hashed(rule), )*
                }
            }

            /// The rule's condition is met.
            pub(crate) fn holds(self, facts: &mut Facts<'_>) -> bool {
                match self {
                    $( Self::$name => <$check as Check>::holds(facts), )*
                }
            }

            /// After it did not hold: the values compared.
            pub(crate) fn why(self, facts: &mut Facts<'_>) -> String {
                match self {
                    $( Self::$name => <$check as Check>::why(facts), )*
                }
            }

            /// The first condition of a stage that is not met.
            #[inline]
            pub(crate) fn first_failed(stage: Stage, facts: &mut Facts<'_>) -> Option<Self> {
                $(
                    // The comparison is between constants wherever this is inlined.
                    if stage == <$check as Check>::STAGE && !<$check as Check>::holds(facts) {
                        return Some(Self::$name);
                    }
                )*
                None
            }

            /// The first condition that holds an open on this asset back.
            pub(crate) fn first_against(facts: &Facts<'_>, asset: Option<&Asset>) -> Option<Self> {
                $(
                    if <$check as Check>::STAGE == Stage::Asset && !<$check as Check>::admits(facts, asset) {
                        return Some(Self::$name);
                    }
                )*
                None
            }
        }
    };
}

pub(super) use conditions;
