//! One view, read once for all rules.

use stoop_model::TweetKind;

use super::authors::in_order;
use super::candidates::Candidates;
use super::conditions::Rule;
use super::matcher::Texts;
use super::plain;
use super::set::RuleSet;
use crate::merge::View;

/// Rules up to which each sends a scout before the texts of a view are searched for the terms of all.
const FEW_RULES: usize = 4;

/// What was read of the view at hand. Each part is read when the first rule asks for it: most views fail the rules
/// before their texts or assets matter.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) texts: Texts,
    pub(crate) candidates: Candidates,
    kind: Option<TweetKind>,
    handle: String,
    has_handle: bool,
    /// Rules that want the author's posts.
    takers: Vec<usize>,
    has_takers: bool,
}

impl Reading {
    /// Turns to another view.
    pub(crate) fn begin(&mut self, view: &View) {
        self.texts.begin();
        self.candidates.begin();
        self.kind = None;
        self.has_takers = false;
        self.handle.clear();
        let handle = view.post().author().handle();
        self.has_handle = handle.is_some();
        if let Some(handle) = handle {
            // Once, into a kept buffer: every rule, cooldown and decision line asks for it in lower case.
            plain::lower(handle, &mut self.handle);
        }
    }

    /// The author's handle as rules and decisions have it.
    pub(crate) fn handle(&self) -> Option<&str> {
        self.has_handle.then_some(self.handle.as_str())
    }

    /// The author as cooldowns distinguish them: by handle, else by id.
    pub(crate) fn author<'a>(&'a self, view: &'a View) -> Option<&'a str> {
        self.handle().or_else(|| view.post().author().id())
    }

    /// The kind of post.
    pub(crate) fn kind(&mut self, view: &View) -> &TweetKind {
        self.kind.get_or_insert_with(|| view.post().kind())
    }

    /// The rules to test, in order: those that want the author's posts, or may once the author is known, and those in
    /// `open`, which have decisions to lead. All others fail by their author.
    pub(crate) fn due(
        &mut self,
        set: &RuleSet,
        view: &View,
        open: impl Iterator<Item = usize>,
        due: &mut Vec<usize>,
    ) {
        due.clear();
        due.extend(self.takers(set, view));
        set.authors.hopeful(self.handle(), view.post().author().id(), due);
        due.extend(open);
        in_order(due);
        self.texts.is_scouted = due.len() <= FEW_RULES;
    }

    /// The rules that want the author's posts, in order.
    pub(crate) fn takers(&mut self, set: &RuleSet, view: &View) -> &[usize] {
        if !std::mem::replace(&mut self.has_takers, true) {
            let handle = self.has_handle.then_some(self.handle.as_str());
            self.takers.clear();
            set.authors.takers(handle, view.post().author().id(), &mut self.takers);
        }
        &self.takers
    }

    /// The rule's authors may have written the view: its author is one of them, or not known yet.
    pub(crate) fn could_be_by(&mut self, set: &RuleSet, index: usize, rule: &Rule, view: &View) -> bool {
        let lacks_id = view.post().author().id().is_none();
        let lacks_handle = !self.has_handle;
        // A name that the rule lists but the frame lacks may still come with an update.
        let is_open = rule.authors.as_ref().is_some_and(|authors| {
            lacks_id && !authors.ids.is_empty() || lacks_handle && !authors.handles.is_empty()
        });
        is_open || self.takers(set, view).binary_search(&index).is_ok()
    }
}
