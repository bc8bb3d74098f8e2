//! The size of a condition, counted in its text.

/// How large a condition is, counted without a parser: by what stands outside quotes.
pub(super) struct Shape {
    pub(super) comparisons: usize,
    pub(super) depth: usize,
    pub(super) longest_list: usize,
}

impl Shape {
    /// The shape of a condition as it displays itself: with single spaces, and no more parentheses than it takes.
    pub(super) fn of(written: &str) -> Self {
        let bare = unquoted(written).replace("id('')", "v").replace("time('')", "v").replace("''", "v");
        let mut shape = Self { comparisons: 0, depth: 0, longest_list: 0 };
        let mut lists = bare.split(" in (");
        let mut rest = lists.next().unwrap_or_default().to_owned();
        for list in lists {
            let (values, after) = list.split_once(')').unwrap_or((list, ""));
            shape.longest_list = shape.longest_list.max(values.split(',').count());
            rest.push_str(" = v");
            rest.push_str(after);
        }
        let spaced = rest.replace('(', "( ").replace(')', " )");
        let (mut open, mut nots) = (Vec::new(), 0);
        for word in spaced.split_whitespace() {
            match word {
                "not" => nots += 1,
                "(" => open.push(std::mem::take(&mut nots) + 1),
                ")" => drop(open.pop()),
                "=" | "!=" | "<" | "<=" | ">" | ">=" => shape.comparisons += 1,
                "and" | "or" => nots = 0,
                _ => {}
            }
            shape.depth = shape.depth.max(open.iter().sum::<usize>() + nots);
        }
        shape
    }
}

/// The text with nothing left between its quotes.
fn unquoted(text: &str) -> String {
    let mut is_inside = false;
    let outside = |letter: &char| {
        let is_quote = *letter == '\'';
        is_inside ^= is_quote;
        is_quote || !is_inside
    };
    let bare: String = text.chars().filter(outside).collect();
    bare.replace("''''", "''")
}

/// What stands between quotes in the text, and what its digits spell.
pub(super) fn values(text: &str) -> (Vec<String>, Vec<i64>) {
    let undoubled = text.replace("''", "\u{1}");
    let quoted = undoubled.split('\'').skip(1).step_by(2).map(|text| text.replace('\u{1}', "'")).collect();
    let is_digit = |letter: char| letter.is_ascii_digit() || letter == '-';
    let numbers = text.split(|letter| !is_digit(letter)).filter_map(|digits| digits.parse().ok()).collect();
    (quoted, numbers)
}
