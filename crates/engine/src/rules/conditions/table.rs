//! The macro that makes the table of conditions.

/// Makes [`Condition`](super::Condition) and everything that walks the table, from one entry for each condition. The
/// fields that entries name become fields of the rule.
///
/// It is a macro so that a walk is straight code: every rule goes through it on every view, and a table of function
/// pointers cannot be inlined.
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

            /// The first condition of a [`Stage`] that is not met.
            ///
            /// The stage is a constant, so that this is compiled once for each and compares nothing at run time.
            #[inline]
            pub(crate) fn first_failed<const STAGE: u8>(facts: &mut Facts<'_>) -> Option<Self> {
                $(
                    if STAGE == <$check as Check>::STAGE as u8 && !<$check as Check>::holds(facts) {
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
