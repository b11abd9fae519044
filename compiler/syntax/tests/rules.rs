//! Assignment rules: what the formatter makes of them reads as the same tree.

use vspec_syntax::ast::{ItemKind, RuleKind};
use vspec_syntax::{FileId, format, parse};

const RULES: &str = r#"/// Every clause once.
assign Every(top: int = 13)
  rows a: { point: f32[2], level: i32, box: f32[4] }
  cols t: { label: i32, box: f32[4] }
{
  let overlap = iou(a.box, t.box)
  require top > 0, "top is positive"
  pick top of -distance(a.point, t.box) per t, a.level where overlap > 0
  pick where overlap == max(overlap over all per t) and overlap >= 0.3  // each truth keeps its best rows
  pick one to one minimizing 1 - overlap where inside(a.point, t.box)

  keep overlap >= mean(overlap over picked per t)
  resolve by overlap per a
  ignore a where 0.3 <= max(overlap per a) < 0.7
  sample 256 a repeating with positives <= 0.5, negatives <= 0.75
  give box = t.box else 0
  give weight = overlap
}

assign Pairs()
  rows q: { label: i32 }
  cols r: { label: i32, s: f32 }
{
  positive where q.label == r.label
  negative where q.label != r.label
  weight positive 1
  weight negative f(r.s, r.s over positive per q, (r.s per q))
}
"#;

fn tree(text: &str) -> vspec_syntax::ast::File {
    let (file, diagnostics) = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    file
}

#[test]
fn every_clause_is_read_and_written_back() {
    let text = format(FileId(0), RULES).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(text, RULES);
    let file = tree(&text);
    let ItemKind::Assign(rule) = &file.items[0].kind else { panic!("{file:?}") };
    assert_eq!(rule.clauses.len(), 11);
    let RuleKind::Sample { repeating, positives, negatives, .. } = &rule.clauses[8].kind else { panic!() };
    assert!(*repeating && positives.is_some() && negatives.is_some());
}

#[test]
fn a_clause_that_is_none_is_reported_where_it_stands() {
    let text = RULES.replace("resolve by overlap per a", "resolve overlap per a");
    let (_, diagnostics) = parse(FileId(0), &text);
    assert_eq!(diagnostics.len(), 1, "{diagnostics:#?}");
    assert!(diagnostics[0].is_error());
    let start = diagnostics[0].primary.span.start as usize;
    assert!(text[start..].starts_with("overlap per a") || text[start..].starts_with("resolve"), "{start}");
}
