//! The text of conditions.
//!
//! ```text
//! condition  = conjunction { "or" conjunction }
//! conjunction = term { "and" term }
//! term       = "not" term | "(" condition ")" | comparison
//! comparison = attribute sign ( attribute | literal ) | attribute "in" "(" literal { "," literal } ")"
//! sign       = "=" | "!=" | "<" | "<=" | ">" | ">="
//! attribute  = ( "resource" | "caller" | "request" ) "." name
//! literal    = "true" | "false" | integer | text | "id" "(" text ")" | "time" "(" text ")"
//! ```

use uuid::Uuid;

use super::attribute::{Attribute, Owner, is_name};
use super::comparison::Comparison;
use super::value::Literal;
use super::{Condition, Node, Operand};

/// The tree that the text spells.
pub(super) fn parse(text: &str) -> Result<Node, InvalidCondition> {
    if text.len() > Condition::MAX_TEXT {
        return Err(InvalidCondition::Length);
    }
    let mut parser =
        Parser { rest: text, length: text.len(), position: 0, token: Token::End, comparisons: 0 };
    parser.advance()?;
    let node = parser.condition(0)?;
    match parser.token {
        Token::End => Ok(node),
        _ => Err(parser.expected("'and', 'or' or the end of the condition")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    Number(&'t str),
    /// What stands between the quotes, its own quotes still doubled.
    Text(&'t str),
    Sign(Comparison),
    Open,
    Close,
    Comma,
    End,
}

/// Reads one token ahead: `token` begins at byte `position`, and `rest` follows it.
struct Parser<'t> {
    rest: &'t str,
    length: usize,
    position: usize,
    token: Token<'t>,
    comparisons: usize,
}

impl<'t> Parser<'t> {
    fn condition(&mut self, depth: usize) -> Result<Node, InvalidCondition> {
        let mut nodes = vec![self.conjunction(depth)?];
        while self.token == Token::Word("or") {
            self.advance()?;
            nodes.push(self.conjunction(depth)?);
        }
        Ok(Node::any(nodes))
    }

    fn conjunction(&mut self, depth: usize) -> Result<Node, InvalidCondition> {
        let mut nodes = vec![self.term(depth)?];
        while self.token == Token::Word("and") {
            self.advance()?;
            nodes.push(self.term(depth)?);
        }
        Ok(Node::all(nodes))
    }

    fn term(&mut self, depth: usize) -> Result<Node, InvalidCondition> {
        let nests = matches!(self.token, Token::Open | Token::Word("not"));
        if nests && depth == Condition::MAX_DEPTH {
            return Err(InvalidCondition::Depth { position: self.position });
        }
        match self.token {
            Token::Word("not") => {
                self.advance()?;
                Ok(Node::Not(Box::new(self.term(depth + 1)?)))
            }
            Token::Open => {
                self.advance()?;
                let node = self.condition(depth + 1)?;
                self.close("'and', 'or' or ')'")?;
                Ok(node)
            }
            _ => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Result<Node, InvalidCondition> {
        let Token::Word(word) = self.token else {
            return Err(self.expected("an attribute first, such as resource.owner, 'not' or '('"));
        };
        let left = self.attribute(word)?;
        self.comparisons += 1;
        if self.comparisons > Condition::MAX_COMPARISONS {
            return Err(InvalidCondition::Comparisons { position: self.position });
        }
        self.advance()?;
        match self.token {
            Token::Sign(comparison) => {
                self.advance()?;
                Ok(Node::Compare { left, comparison, right: self.operand()? })
            }
            Token::Word("in") => {
                self.advance()?;
                Ok(Node::In { attribute: left, values: self.list()? })
            }
            _ => Err(self.expected("=, !=, <, <=, >, >= or 'in' after the attribute")),
        }
    }

    fn operand(&mut self) -> Result<Operand, InvalidCondition> {
        match self.token {
            Token::Word(word) if word.contains('.') => {
                let attribute = self.attribute(word)?;
                self.advance()?;
                Ok(Operand::Attribute(attribute))
            }
            _ => Ok(Operand::Literal(
                self.literal("an attribute, true, false, a whole number, 'text', id('…') or time('…')")?,
            )),
        }
    }

    fn list(&mut self) -> Result<Box<[Literal]>, InvalidCondition> {
        let mut values: Vec<Literal> = Vec::new();
        self.open("'(' after 'in'")?;
        loop {
            let position = self.position;
            if values.len() == Condition::MAX_LIST {
                return Err(InvalidCondition::Values { position });
            }
            let value = self.literal("true, false, a whole number, 'text', id('…') or time('…')")?;
            if values.first().is_some_and(|first| first.kind() != value.kind()) {
                return Err(InvalidCondition::Kinds { position });
            }
            values.push(value);
            if self.token != Token::Comma {
                break;
            }
            self.advance()?;
        }
        self.close("',' or ')' after a value of 'in'")?;
        Ok(values.into())
    }

    /// The attribute that a word names; the word stays the token.
    fn attribute(&self, word: &str) -> Result<Attribute, InvalidCondition> {
        let attribute = word.split_once('.').and_then(|(owner, name)| match owner {
            "resource" => Some((Attribute::of_resource(name), name)),
            "caller" => Some((Attribute::of(Owner::Caller, name), name)),
            "request" => Some((Attribute::of(Owner::Request, name), name)),
            _ => None,
        });
        match attribute {
            Some((attribute, name)) if is_name(name) => Ok(attribute),
            Some(_) => Err(self.expected(
                "an attribute's name: a letter of a-z, then up to 47 of a-z, 0-9 and '_', and no keyword",
            )),
            None => Err(self.expected("an attribute: 'resource.', 'caller.' or 'request.' and a name")),
        }
    }

    fn literal(&mut self, expected: &'static str) -> Result<Literal, InvalidCondition> {
        let literal = match self.token {
            Token::Word("true") => Literal::Bool(true),
            Token::Word("false") => Literal::Bool(false),
            Token::Number(digits) => Literal::Integer(digits.parse().map_err(|_| {
                self.expected("a whole number from -9223372036854775808 to 9223372036854775807")
            })?),
            Token::Text(quoted) => Literal::Text(self.text(quoted)?),
            Token::Word("id") => {
                return self.called("'(' after id", "a UUID in quotes", |text| {
                    Uuid::try_parse(text).map(Literal::Id).ok()
                });
            }
            Token::Word("time") => {
                return self.called(
                    "'(' after time",
                    "an instant in quotes, such as '2026-01-31T12:00:00Z'",
                    |text| text.parse().map(Literal::Time).ok(),
                );
            }
            _ => return Err(self.expected(expected)),
        };
        self.advance()?;
        Ok(literal)
    }

    fn text(&self, quoted: &str) -> Result<Box<str>, InvalidCondition> {
        if quoted.chars().any(char::is_control) {
            return Err(self.expected("a text without control characters"));
        }
        Ok(quoted.replace("''", "'").into())
    }

    /// What `id('…')` or `time('…')` says.
    fn called(
        &mut self,
        open: &'static str,
        argument: &'static str,
        read: impl Fn(&str) -> Option<Literal>,
    ) -> Result<Literal, InvalidCondition> {
        self.advance()?;
        self.open(open)?;
        let Token::Text(text) = self.token else { return Err(self.expected(argument)) };
        let literal = read(text).ok_or_else(|| self.expected(argument))?;
        self.advance()?;
        self.close("')'")?;
        Ok(literal)
    }

    fn open(&mut self, expected: &'static str) -> Result<(), InvalidCondition> {
        if self.token == Token::Open { self.advance() } else { Err(self.expected(expected)) }
    }

    fn close(&mut self, expected: &'static str) -> Result<(), InvalidCondition> {
        if self.token == Token::Close { self.advance() } else { Err(self.expected(expected)) }
    }

    fn expected(&self, expected: &'static str) -> InvalidCondition {
        InvalidCondition::Syntax { position: self.position, expected }
    }

    fn advance(&mut self) -> Result<(), InvalidCondition> {
        let text = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.position = self.length - text.len();
        let (token, length) = token(text).map_err(|expected| self.expected(expected))?;
        (self.token, self.rest) = (token, text.split_at(length).1);
        Ok(())
    }
}

/// The token that the text begins with and its length in bytes, or what should stand there instead.
fn token(text: &str) -> Result<(Token<'_>, usize), &'static str> {
    Ok(match text.as_bytes() {
        [] => (Token::End, 0),
        [b'(', ..] => (Token::Open, 1),
        [b')', ..] => (Token::Close, 1),
        [b',', ..] => (Token::Comma, 1),
        [b'=', ..] => (Token::Sign(Comparison::Equal), 1),
        [b'!', b'=', ..] => (Token::Sign(Comparison::NotEqual), 2),
        [b'<', b'=', ..] => (Token::Sign(Comparison::AtMost), 2),
        [b'<', ..] => (Token::Sign(Comparison::Less), 1),
        [b'>', b'=', ..] => (Token::Sign(Comparison::AtLeast), 2),
        [b'>', ..] => (Token::Sign(Comparison::More), 1),
        [b'\'', ..] => quoted(text).ok_or("a text that ends with a quote; a quote inside it is doubled")?,
        [b'-' | b'0'..=b'9', ..] => {
            let number = word(text, 1);
            (Token::Number(number), number.len())
        }
        [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => {
            let word = word(text, 0);
            (Token::Word(word), word.len())
        }
        _ => return Err("an attribute, a sign, a value, 'and', 'or', 'not' or a parenthesis"),
    })
}

/// The letters, digits, `_` and `.` that the text begins with, after `skipped` bytes that belong to them too.
fn word(text: &str, skipped: usize) -> &str {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let length = text.bytes().skip(skipped).take_while(|byte| is_part(*byte)).count();
    text.split_at(skipped + length).0
}

/// The quoted text that the text begins with, whose own quotes are doubled, and its length with the quotes.
fn quoted(text: &str) -> Option<(Token<'_>, usize)> {
    let inner = text.strip_prefix('\'')?;
    let mut quotes = inner.match_indices('\'').map(|(at, _)| at).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&(at + 1)).is_none() {
            return Some((Token::Text(inner.split_at(at).0), at + 2));
        }
    }
    None
}

/// The text is no condition. A position is that of the byte, counted from 0, at which the offending token begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCondition {
    /// Too long.
    #[error("a condition has at most 2000 bytes, also when it is written with single spaces: shorten it")]
    Length,
    /// Something else should stand there.
    #[error("byte {position} of the condition: expected {expected}")]
    Syntax {
        /// Where.
        position: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// Too deep.
    #[error("byte {position} of the condition: parentheses and 'not' nest at most 8 deep, so take some away")]
    Depth {
        /// Where the ninth begins.
        position: usize,
    },
    /// Too many comparisons.
    #[error(
        "byte {position} of the condition: at most 32 comparisons, so list values with 'in' or take some away"
    )]
    Comparisons {
        /// Where the 33rd begins.
        position: usize,
    },
    /// Too many values after an `in`.
    #[error("byte {position} of the condition: 'in' lists at most 64 values, so take some away")]
    Values {
        /// Where the 65th begins.
        position: usize,
    },
    /// Values of different kinds after an `in`.
    #[error("byte {position} of the condition: expected a value of the same kind as the first after 'in'")]
    Kinds {
        /// Where the first of another kind begins.
        position: usize,
    },
}

impl InvalidCondition {
    /// The byte, counted from 0, at which the offending token begins; of a text that is too long, the first byte
    /// after those that it may have.
    #[must_use]
    pub const fn position(&self) -> usize {
        match self {
            Self::Length => Condition::MAX_TEXT,
            Self::Syntax { position, .. }
            | Self::Depth { position }
            | Self::Comparisons { position }
            | Self::Values { position }
            | Self::Kinds { position } => *position,
        }
    }
}
