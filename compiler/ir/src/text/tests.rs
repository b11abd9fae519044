use super::*;
use crate::ops::TABLE;
use crate::{DType, Dim, Facts, Op, Origin, infer};

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

/// `relu(x + conv(relu(norm(conv(x)))))`, as an elaborator would build it.
fn residual_block() -> Result<crate::Graph, crate::Violation> {
    let mut graph = crate::Graph::new("residual");
    graph.facts_mut().assume_multiple("H", 32);
    let shape: Vec<Dim> = ["B", "64", "H//4", "W"].map(|d| parse_dim(d).expect("a size")).into();
    let named = |name: &str, scope: &str| Origin {
        name: (!name.is_empty()).then(|| name.into()),
        scope: (!scope.is_empty()).then(|| scope.into()),
        location: None,
    };
    let x = graph.add(Op::Input { name: "b.image".into(), dtype: DType::F32, shape }, &[], named("x", ""))?;
    let param = |graph: &mut crate::Graph, path: &str, shape: &[i64]| {
        let shape = shape.iter().map(|d| Dim::from(*d)).collect();
        let scope = path.rsplit_once('.').map_or("", |(scope, _)| scope);
        graph.add(Op::Param { path: path.into(), shape }, &[], named("weight", scope))
    };
    let conv =
        |padding| Op::Conv { stride: vec![1; 2], padding: vec![padding; 2], dilation: vec![1; 2], groups: 1 };
    let w1 = param(&mut graph, "layer1.0.conv1.weight", &[64, 64, 3, 3])?;
    let y = graph.add(conv([1, 1]), &[x, w1], named("", "layer1.0.conv1"))?;
    let scale = param(&mut graph, "layer1.0.bn1.weight", &[64, 1, 1])?;
    let y = graph.add(Op::Mul {}, &[y, scale], named("", "layer1.0.bn1"))?;
    let y = graph.add(Op::Relu {}, &[y], named("y", "layer1.0"))?;
    let w2 = param(&mut graph, "layer1.0.conv2.weight", &[64, 64, 1, 1])?;
    let y = graph.add(conv([0, 0]), &[y, w2], named("", "layer1.0.conv2"))?;
    let sum = graph.add(Op::Add {}, &[x, y], named("y", "layer1.0"))?;
    let out = graph.add(Op::Relu {}, &[sum], named("", "layer1.0"))?;
    graph.output("features", crate::OutputKind::Value, out);
    Ok(graph)
}

#[test]
fn a_residual_block_is_readable() {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(residual_block().expect("valid")));
}

mod random {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{GraphOptions, graphs, types};

    proptest! {
        #[test]
        fn random_graphs_read_back(graph in graphs(GraphOptions::default())) {
            let text = graph.to_string();
            let again = parse(&text).expect("printed");
            prop_assert_eq!(&again, &graph);
            prop_assert_eq!(again.obligations(), graph.obligations());
            prop_assert_eq!(again.to_string(), text);
        }

        #[test]
        fn random_types_read_back(ty in types()) {
            prop_assert_eq!(parse_type(&ty.to_string()), Ok(ty));
        }

        #[test]
        fn any_name_reads_back(name in ".*", scope in ".*") {
            let mut graph = crate::Graph::new(name.as_str());
            let origin = crate::Origin {
                name: Some(name.as_str().into()),
                scope: Some(scope.into()),
                location: Some(crate::Location { file: 1, start: 2, end: 3 }),
            };
            let op = crate::Op::Full { value: 1.0, dtype: crate::DType::F32, shape: vec![] };
            let id = graph.add(op, &[], origin).expect("valid");
            graph.output(name.as_str(), crate::OutputKind::Value, id);
            let options = PrintOptions { locations: true, ..PrintOptions::default() };
            prop_assert_eq!(parse(&Printer::new(&graph, options).to_string()), Ok(graph));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse_all(&text);
            let _ = parse_dim(&text);
        }

        #[test]
        fn no_damaged_graph_panics(at in 0..BLOCK.len(), length in 0usize..20, new in "[ -~\n]{0,6}") {
            let end = (at + length).min(BLOCK.len());
            let damaged = format!("{}{new}{}", &BLOCK[..at], &BLOCK[end..]);
            if let Ok(graph) = parse(&damaged) {
                prop_assert_eq!(parse(&graph.to_string()), Ok(graph.clone()));
                let _ = crate::verify(graph);
            }
        }
    }
}
