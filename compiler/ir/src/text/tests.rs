use super::*;
use crate::ops::TABLE;
use crate::{Facts, infer};

const BLOCK: &str = "\
graph @block(B: size, H: size % 32) {
  %x = input name=\"b.image\" : f32[B, 3, H, H]
  %w = param path=\"conv1.weight\" : f32[64, 3, 3, 3]
  %0 = conv(%x, %w) stride=[2, 2] padding=[[1, 1], [1, 1]] : f32[B, 64, H//2, H//2]   in conv1
  %y = relu(%0) : f32[B, 64, H//2, H//2]   in layer1.0.relu
  %y.1 = mean(%y) axes=[1, 2, 3] : f32[B]
  %1 = sum(%y.1) axes=[0] : f32[]
  %2 = full value=1e-7 : f32[]
  %3 = constant value={1, -2, 0.5, inf} : f32[2, 2]
  require B % 2 == 0 for %y
  value y = %y.1
  report loss = %1
  write net.bn1.running_mean = %2
  value \"odd name\" = %3
}";

#[test]
fn a_graph_reads_back_as_it_was_written() {
    let graph = parse(BLOCK).expect("well formed");
    assert_eq!(graph.to_string(), BLOCK);
    assert_eq!(graph.node(crate::NodeId::from_index(4)).origin.name.as_deref(), Some("y"));
    assert_eq!(graph.obligations().len(), 1);
    assert_eq!(parse(&graph.to_string()).expect("printed"), graph);
}

#[test]
fn broken_graphs_print_and_read_back() {
    let text = "graph @g() {\n  %0 = neg(%1) : f32[3]\n  %1 = add(<missing %7>) : bool[]\n}";
    let graph = parse(text).expect("well formed");
    assert_eq!(graph.to_string(), text);
    assert!(parse(&text.replace("%1)", "%2)")).is_err());
}

#[test]
fn every_sample_of_the_op_table_parses_and_infers() {
    for decl in TABLE {
        for sample in decl.samples {
            let (op, operands) = parse_instance(decl.name, sample).expect(sample);
            infer(&op, &operands, &Facts::default()).expect(sample);
        }
    }
}

#[test]
fn errors_name_line_and_column() {
    let at = |text: &str| parse(text).expect_err(text).to_string();
    assert_eq!(at("graph @g() {\n  %0 = frob : f32[]\n}"), "2:8: there is no op `frob`");
    assert_eq!(at("graph @g() {\n  %0 = relu(%0) at=1 : f32[]\n}"), "2:17: `relu` has no attribute `at`");
    assert_eq!(
        at("graph @g() {\n  %0 = iota shape=[1] : i32[1]\n}"),
        "2:8: `iota` needs the attribute `axis`"
    );
    assert_eq!(at("graph @g() {\n  %0 = input name=\"x\" : f32[B]\n}"), "2:3: the size `B` is not declared");
    assert_eq!(at("graph @g("), "1:10: expected the name of a size, found the end of the text");
    assert_eq!(at("graph @g() {\n  value y = %q\n}"), "2:13: `%q` is not defined");
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = format!("{}H{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(parse_dim(&deep).expect_err("too deep").message, "brackets are nested too deep");
    assert!(parse_dim("H^4000000000").is_err());
    assert_eq!(parse_dim("((H + 1))//2").expect("fine").to_string(), "(H + 1)//2");
}

#[test]
fn comments_follow_a_space_and_floor_division_does_not() {
    let text =
        "// first\ngraph @g(H: size) { // here\n  %x = input name=\"a//b\" : f32[H//2] // there\n}\n// last";
    let graph = parse(text).expect("well formed");
    assert_eq!(graph.ty(crate::NodeId::from_index(0)).to_string(), "f32[H//2]");
}

#[test]
fn numbers_read_back_exactly() {
    for value in [0.0, -0.0, 0.1, 1.0 / 3.0, 1e300, 5e-324, -1e16, 123456789.125, f64::INFINITY, f64::MAX] {
        let mut graph = crate::Graph::new("g");
        let op = crate::Op::Full { value, dtype: crate::DType::F32, shape: vec![] };
        let id = graph.add(op, &[], crate::Origin::default()).expect("valid");
        let again = parse(&graph.to_string()).expect("printed");
        let crate::Op::Full { value: read, .. } = again.node(id).op else { panic!("not a full") };
        assert_eq!(read.to_bits(), value.to_bits());
    }
}
