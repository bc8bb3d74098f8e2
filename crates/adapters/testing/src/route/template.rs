/// A place in a template that the walk fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hole {
    /// `{kind}`: names a thing.
    Named(String),
    /// `{new:kind}`: gives a new name.
    New(String),
    /// `{mark}`: a text of the calling tenant's own.
    Mark,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Hole(Hole),
}

/// The parts of a text with places in braces. A brace without its like, or around something that is no name, is text.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut before = String::new();
    let mut rest = text;
    while let Some((start, after)) = rest.split_once('{') {
        before.push_str(start);
        let hole = after.split_once('}').and_then(|(name, after)| Some((hole(name)?, after)));
        rest = match hole {
            Some((hole, after)) => {
                if !before.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut before)));
                }
                pieces.push(Piece::Hole(hole));
                after
            }
            None => {
                before.push('{');
                after
            }
        };
    }
    before.push_str(rest);
    if !before.is_empty() {
        pieces.push(Piece::Text(before));
    }
    pieces
}

fn hole(name: &str) -> Option<Hole> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter))
    };
    match name.strip_prefix("new:") {
        Some(kind) => is_name(kind).then(|| Hole::New(kind.to_owned())),
        None if name == "mark" => Some(Hole::Mark),
        None => is_name(name).then(|| Hole::Named(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_around_a_name_are_places_and_others_are_text() {
        let named = |kind: &str| Piece::Hole(Hole::Named(kind.to_owned()));
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(pieces("{note}"), [named("note")]);
        assert_eq!(pieces("a{note}b{mark}"), [text("a"), named("note"), text("b"), Piece::Hole(Hole::Mark)]);
        assert_eq!(pieces("{new:slug}"), [Piece::Hole(Hole::New("slug".to_owned()))]);
        assert_eq!(pieces("{ query { x } }"), [text("{ query { x } }")]);
        assert_eq!(pieces("plain"), [text("plain")]);
    }
}
