use super::*;
use crate::text::parse;

const NET: &str = "\
graph @net(B: size, H: size % 32) {
  %x = input name=\"x\" : f32[B, 3, H//2]
  %0 = full value=inf : f32[]   in a.b
  %y = mul(%x, %0) : f32[B, 3, H//2]   in a
  value \"the \\\"best\\\"\" = %y
}";

#[test]
fn json_has_one_node_a_line_and_escapes_text() {
    let expected = r#"{
  "format": "vspec-graph/1",
  "name": "net",
  "sizes": [
    {"name": "H", "multiple_of": 32}],
  "nodes": [
    {"id": 0, "label": "x", "op": "input", "inputs": [], "attrs": {"name": "x", "dtype": "f32", "shape": ["B", 3, "H//2"]}, "dtype": "f32", "shape": ["B", 3, "H//2"], "name": "x", "scope": null},
    {"id": 1, "label": "0", "op": "full", "inputs": [], "attrs": {"value": "inf", "dtype": "f32", "shape": []}, "dtype": "f32", "shape": [], "name": null, "scope": "a.b"},
    {"id": 2, "label": "y", "op": "mul", "inputs": [0, 1], "attrs": {}, "dtype": "f32", "shape": ["B", 3, "H//2"], "name": "y", "scope": "a"}],
  "outputs": [
    {"kind": "value", "name": "the \"best\"", "node": 2}]
}
"#;
    assert_eq!(json(&parse(NET).expect("well formed")), expected);
}

#[test]
fn dot_draws_modules_as_nested_boxes() {
    let text = dot(&parse(NET).expect("well formed"));
    let position = |part: &str| text.find(part).expect(part);
    assert!(position("label=\"a\"") < position("label=\"a.b\""));
    assert!(position("label=\"a.b\"") < position("n1 [label=\"%0\\nfull value=inf\\nf32[]\"]"));
    assert!(text.contains("n0 -> n2;") && text.contains("n2 -> o0;"));
    assert_eq!(text.matches('{').count(), text.matches('}').count());
}
