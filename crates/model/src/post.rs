//! A post and its author: the fields of protocol §4, as they are in frames and in views.

use crate::bag::keys;
use crate::{Bag, Platform, Span};

keys!(
    /// Fields of a tweet except its author. Times are Unix ms.
    pub enum PostField {
        /// `kind`: post, reply, quote, retweet, or what else came.
        Kind: text,
        /// `text`, the body; may be empty.
        Text: text,
        /// `createdAt`.
        CreatedAt: number,
        /// `receivedAt`, the vendor's receipt.
        ReceivedAt: number,
        /// `link`.
        Link: text,
        /// `ref.type`.
        RefType: text,
        /// `ref.tweetId`.
        RefTweetId: text,
        /// `ref.text`.
        RefText: text,
        /// `ocr.text` of a meta frame.
        OcrText: text,
        /// `media` came; its items are in [`Post::media`].
        Media: list,
        /// `mentions` came.
        Mentions: list,
        /// `urls` came.
        Urls: list,
        /// `ref.media` came.
        RefMedia: list,
    }
);

keys!(
    /// Fields of an author, an actor, or the changes of a profile. Counts are exact; times are Unix ms.
    pub enum AuthorField {
        /// `id`.
        Id: text,
        /// `handle`, with its leading `@` as it came.
        Handle: text,
        /// `name`.
        Name: text,
        /// `platform`.
        Platform: text,
        /// `profileImage`.
        ProfileImage: text,
        /// `banner`.
        Banner: text,
        /// `bio`.
        Bio: text,
        /// `location`.
        Location: text,
        /// `url`.
        Url: text,
        /// `websiteUrl` (actors).
        WebsiteUrl: text,
        /// `avatar` (changes).
        Avatar: text,
        /// `followersCount`.
        Followers: number,
        /// `followingCount`.
        Following: number,
        /// `joinedAt`.
        JoinedAt: number,
        /// `metrics.likes`.
        Likes: number,
        /// `metrics.tweets`.
        Tweets: number,
        /// `verifiedType`.
        VerifiedType: text,
        /// `verifiedLabel`: null means that the label was removed.
        VerifiedLabel: list,
        /// `verifiedLabel.badge`.
        LabelBadge: text,
        /// `verifiedLabel.description`.
        LabelDescription: text,
        /// `verifiedLabel.url`.
        LabelUrl: text,
    }
);

/// One entry of `media`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// `url`.
    pub url: Option<Span>,
    /// `type`: image, video, gif, or what else came.
    pub kind: Option<Span>,
    /// `thumbnail`.
    pub thumbnail: Option<Span>,
}

/// One entry of `mentions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mention {
    /// `handle`, with `@` as it came.
    pub handle: Option<Span>,
    /// `id`.
    pub id: Option<Span>,
    /// `name`.
    pub name: Option<Span>,
}

/// One entry of `urls`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// `url`, expanded.
    pub url: Option<Span>,
    /// `name`.
    pub name: Option<Span>,
    /// `tco`, the short form.
    pub tco: Option<Span>,
}

/// Number of fields of a post, the width of its bag.
pub const POST_FIELDS: usize = 13;
/// Number of fields of an author, the width of its bag.
pub const AUTHOR_FIELDS: usize = 21;

/// The fields of one tweet. Spans are into a buffer kept beside it.
#[derive(Clone, Debug, Default)]
pub struct Post {
    /// Everything but the authors.
    pub body: Bag<PostField, POST_FIELDS>,
    /// `author`.
    pub author: Bag<AuthorField, AUTHOR_FIELDS>,
    /// `ref.author`.
    pub ref_author: Bag<AuthorField, AUTHOR_FIELDS>,
    /// `media`.
    pub media: Vec<Media>,
    /// `mentions`.
    pub mentions: Vec<Mention>,
    /// `urls`.
    pub urls: Vec<Url>,
    /// `ref.media`.
    pub ref_media: Vec<Media>,
}

impl Post {
    /// Makes every field absent; buffers stay.
    pub fn clear(&mut self) {
        self.body.clear();
        self.author.clear();
        self.ref_author.clear();
        self.media.clear();
        self.mentions.clear();
        self.urls.clear();
        self.ref_media.clear();
    }

    /// The post with its string buffer.
    pub fn with<'a>(&'a self, strings: &'a str) -> PostRef<'a> {
        PostRef { post: self, strings }
    }
}

/// A post to read from.
#[derive(Clone, Copy, Debug)]
pub struct PostRef<'a> {
    post: &'a Post,
    strings: &'a str,
}

impl<'a> PostRef<'a> {
    /// The body as it came; `None` if no frame carried one.
    pub fn text(self) -> Option<&'a str> {
        self.field(PostField::Text)
    }

    /// A text field.
    pub fn field(self, field: PostField) -> Option<&'a str> {
        self.post.body.text(field, self.strings)
    }

    /// The author.
    pub fn author(self) -> AuthorRef<'a> {
        AuthorRef { fields: &self.post.author, strings: self.strings }
    }

    /// The author of the post referred to.
    pub fn ref_author(self) -> AuthorRef<'a> {
        AuthorRef { fields: &self.post.ref_author, strings: self.strings }
    }

    /// Handles of `mentions`, as they came.
    pub fn mentions(self) -> impl Iterator<Item = &'a str> {
        self.post.mentions.iter().filter_map(move |mention| Some(mention.handle?.of(self.strings)))
    }

    /// `urls`, expanded where the feed did so.
    pub fn urls(self) -> impl Iterator<Item = &'a str> {
        self.post.urls.iter().filter_map(move |url| Some(url.url?.of(self.strings)))
    }

    /// The kind of post: `kind`, else `ref.type`, else a post. A reply to its own author is a self-reply; one whose
    /// `ref.author` is unknown is a reply.
    pub fn kind(self) -> TweetKind {
        let name = self.field(PostField::Kind).or_else(|| self.field(PostField::RefType)).unwrap_or("post");
        match name {
            "post" => TweetKind::Post,
            "quote" => TweetKind::Quote,
            "retweet" => TweetKind::Retweet,
            "reply" if self.author().is_same(self.ref_author()) => TweetKind::SelfReply,
            "reply" => TweetKind::Reply,
            other => TweetKind::Other(other.into()),
        }
    }
}

/// An author to read from.
#[derive(Clone, Copy, Debug)]
pub struct AuthorRef<'a> {
    fields: &'a Bag<AuthorField, AUTHOR_FIELDS>,
    strings: &'a str,
}

impl<'a> AuthorRef<'a> {
    /// A bag of author fields with its string buffer.
    pub fn new(fields: &'a Bag<AuthorField, AUTHOR_FIELDS>, strings: &'a str) -> Self {
        Self { fields, strings }
    }

    /// A text field.
    pub fn field(self, field: AuthorField) -> Option<&'a str> {
        self.fields.text(field, self.strings)
    }

    /// A number field.
    pub fn number(self, field: AuthorField) -> Option<i64> {
        self.fields.int(field)
    }

    /// `id`.
    pub fn id(self) -> Option<&'a str> {
        self.field(AuthorField::Id)
    }

    /// The handle without its `@`, in the case it came in.
    pub fn handle(self) -> Option<&'a str> {
        // The feed writes the `@` in some places only.
        let handle = self.field(AuthorField::Handle)?;
        Some(handle.strip_prefix('@').unwrap_or(handle))
    }

    /// The platform the author names.
    pub fn platform(self) -> Option<Platform> {
        self.field(AuthorField::Platform).map(Platform::parse)
    }

    /// Both are known to be the same account, by id or by handle.
    fn is_same(self, other: AuthorRef<'_>) -> bool {
        let same_id = self.id().zip(other.id()).is_some_and(|(mine, theirs)| mine == theirs);
        // By id or by handle: a reference may carry only one, and handles change while ids stay.
        let same_handle = |(mine, theirs): (&str, &str)| {
            let folded = |handle: &str| handle.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
            // Nearly all handles are ASCII; the others need the full mapping.
            mine.eq_ignore_ascii_case(theirs) || !mine.is_ascii() && folded(mine) == folded(theirs)
        };
        same_id || self.handle().zip(other.handle()).is_some_and(same_handle)
    }
}

/// The kind of post a tweet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TweetKind {
    /// A post of its own.
    Post,
    /// A post that quotes another.
    Quote,
    /// A reply to oneself: a thread.
    SelfReply,
    /// A reply to another account, or to one that is not known.
    Reply,
    /// A repost of another account's words.
    Retweet,
    /// A kind this version does not know.
    Other(Box<str>),
}

impl TweetKind {
    /// The name used in rules and decisions.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Post => "post",
            Self::Quote => "quote",
            Self::SelfReply => "self_reply",
            Self::Reply => "reply",
            Self::Retweet => "retweet",
            Self::Other(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    fn post(
        fields: &[(PostField, &str)],
        author: &[(AuthorField, &str)],
        of: &[(AuthorField, &str)],
    ) -> String {
        let (mut strings, mut post) = (String::new(), Post::default());
        for (field, text) in fields {
            post.body.set_span(*field, Span::push(&mut strings, text));
        }
        for (field, text) in author {
            post.author.set_span(*field, Span::push(&mut strings, text));
        }
        for (field, text) in of {
            post.ref_author.set_span(*field, Span::push(&mut strings, text));
        }
        post.with(&strings).kind().as_str().to_owned()
    }

    #[test]
    fn bags_are_as_wide_as_their_keys() {
        assert_eq!(PostField::ALL.len(), POST_FIELDS);
        assert_eq!(AuthorField::ALL.len(), AUTHOR_FIELDS);
    }

    #[test]
    fn kind_falls_back_to_the_reference_and_tells_self_replies() {
        use AuthorField::{Handle, Id};
        use PostField::{Kind, RefType};
        assert_eq!(post(&[], &[], &[]), "post");
        assert_eq!(post(&[(RefType, "quote")], &[], &[]), "quote");
        assert_eq!(post(&[(Kind, "post"), (RefType, "quote")], &[], &[]), "post");
        assert_eq!(post(&[(Kind, "reply")], &[(Handle, "@A")], &[]), "reply");
        assert_eq!(post(&[(Kind, "reply")], &[(Handle, "@A")], &[(Handle, "a")]), "self_reply");
        assert_eq!(post(&[(Kind, "reply")], &[(Id, "1"), (Handle, "@a")], &[(Id, "2")]), "reply");
        assert_eq!(post(&[(Kind, "reply")], &[(Id, "1")], &[(Id, "1"), (Handle, "@new")]), "self_reply");
        assert_eq!(post(&[(Kind, "reply")], &[(Id, "1"), (Handle, "@a")], &[(Handle, "@a")]), "self_reply");
        assert_eq!(post(&[(Kind, "thread")], &[], &[]), "thread");
    }
}
