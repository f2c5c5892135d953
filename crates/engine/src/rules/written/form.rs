//! The forms in which a text may write a coin.

use stoop_model::Evidence;

/// How a text writes a coin; the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Form {
    /// `$EDGE`.
    Ticker = 1,
    /// `EDGE/USDT`, `EDGEUSDT`.
    Pair = 2,
    /// `(EDGE)`.
    Parentheses = 4,
    /// `EDGE`, `#edge`, if the universe lists it.
    Listed = 8,
    /// `EDGE`.
    Capitals = 16,
}

impl Form {
    /// All of them, the strongest first.
    pub const ALL: [Self; 5] = [Self::Ticker, Self::Pair, Self::Parentheses, Self::Listed, Self::Capitals];

    /// The name in rules and decision lines.
    pub fn as_str(self) -> &'static str {
        self.evidence().as_str()
    }

    /// The ground it gives a decision.
    pub fn evidence(self) -> Evidence {
        match self {
            Self::Ticker => Evidence::Ticker,
            Self::Pair => Evidence::Pair,
            Self::Parentheses => Evidence::Parentheses,
            Self::Listed => Evidence::Listed,
            Self::Capitals => Evidence::Capitals,
        }
    }
}

/// Some of the forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms(u8);

impl Forms {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// `$EDGE` alone: the default of a rule.
    pub const TICKER: Self = Self(Form::Ticker as u8);

    /// These and one more.
    #[must_use]
    pub fn with(self, form: Form) -> Self {
        Self(self.0 | form as u8)
    }

    /// These without `form`.
    pub(crate) fn without(self, form: Form) -> Self {
        Self(self.0 & !(form as u8))
    }

    /// It is one of these.
    pub fn contains(self, form: Form) -> bool {
        self.0 & form as u8 != 0
    }

    /// There are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// In order, the strongest first.
    pub fn iter(self) -> impl Iterator<Item = Form> {
        Form::ALL.into_iter().filter(move |form| self.contains(*form))
    }
}
