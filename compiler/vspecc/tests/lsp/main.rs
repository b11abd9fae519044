//! Conversations with `vspecc lsp` as an editor has them, message by message.

mod client;

use client::Client;
use serde_json::{Value, json};

const SPEC: &str = "\
use std.nn.{Linear, global_avg_pool}
use parts.blocks.Stem

/// Tells 𝄞 from noise.
module Net(classes: int, width: int = 16) {
  stem = Stem(width)
  head = Linear(width, classes)

  forward(x: f32[B, 3, H, W]) -> f32[B, classes] {
    let features = x |> stem |> relu
    require width > 0, \"𝄞\"; features |> global_avg_pool |> head
  }
}

entry small = Net(10)(f32[1, 3, 32, 32])
entry large = Net(10, width = 32)(f32[4, 3, 64, 64])
";

const BLOCKS: &str = "\
use std.nn.Conv

/// The first convolution, which halves the map.
module Stem(width: int) {
  conv = Conv(3, width, stride = 2)
  forward(x: f32[B, 3, H, W]) { conv(x) }
}
";

fn opened() -> Client {
    let mut client = Client::start(&[("net.vspec", SPEC), ("parts/blocks.vspec", BLOCKS)]);
    client.initialise();
    client.open("net.vspec", SPEC);
    client
}

fn snapshot(name: &str, value: &Value) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        let value = client::in_lines(value.clone());
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&value).expect("json"));
    });
}

/// Each place as `text => answer`, so that a snapshot reads like a session.
fn asked(
    client: &mut Client,
    text: &str,
    places: &[(&str, usize)],
    ask: impl Fn(&mut Client, Value) -> Value,
) -> Value {
    let answer = |(part, inside): &(&str, usize)| {
        let answer = ask(client, client::position(text, part, *inside));
        json!({ "at": format!("{part} + {inside}"), "answer": answer })
    };
    Value::Array(places.iter().map(answer).collect())
}

#[test]
fn hovers_show_shapes_values_and_documentation() {
    let mut client = opened();
    let text = SPEC;
    let places = [
        ("features = x", 0),
        ("stem |> relu", 1),
        ("relu\n", 4),
        ("|> stem", 0),
        ("global_avg_pool |> head", 3),
        ("head\n  }", 0),
        ("x: f32", 0),
        ("width)", 0),
        ("Stem(width)", 0),
        ("module Net", 8),
    ];
    let hovers = asked(&mut client, text, &places, |c, at| {
        let hover = c.request(
            "textDocument/hover",
            json!({ "textDocument": c.document("net.vspec"), "position": at }),
        );
        hover["contents"]["value"].clone()
    });
    snapshot("hover", &hovers);
    client.finish();
}

#[test]
fn definitions_are_found_in_this_file_in_others_and_in_the_library() {
    let mut client = opened();
    let text = SPEC;
    let places = [
        ("features |>", 2),
        ("stem |> relu", 0),
        ("Stem(width)", 0),
        ("width)", 0),
        ("Linear, global", 0),
        ("relu\n", 0),
        ("width = 32", 1),
        ("classes] {", 0),
        ("f32[1", 0),
    ];
    let found = asked(&mut client, text, &places, |c, at| {
        c.request(
            "textDocument/definition",
            json!({ "textDocument": c.document("net.vspec"), "position": at }),
        )
    });
    snapshot("definition", &client.redacted(found));
    client.finish();
}

#[test]
fn diagnostics_follow_changes_in_all_files() {
    let mut client = Client::start(&[("net.vspec", SPEC), ("parts/blocks.vspec", BLOCKS)]);
    client.initialise();
    client.open("net.vspec", SPEC);
    let clean = client.diagnostics("net.vspec");
    client.change("net.vspec", &SPEC.replace("Linear(width", "Linear(8"));
    let wrong = client.diagnostics("net.vspec");
    client.open("parts/blocks.vspec", &BLOCKS.replace("Conv(3, width", "Conv(3, 8"));
    let fixed_elsewhere = client.diagnostics("net.vspec");
    client.change("parts/blocks.vspec", "module Stem(width: int { }\n");
    let broken_elsewhere = client.diagnostics("parts/blocks.vspec");
    let all = json!({
        "clean": clean, "wrong": wrong, "after a change of the other file": fixed_elsewhere,
        "syntax error in the other file": broken_elsewhere,
    });
    snapshot("diagnostics", &client.redacted(all));
    client.finish();
}

#[test]
fn completion_offers_arguments_fields_names_and_imports() {
    let mut client = opened();
    let cases = [
        ("  head = Linear(width, classes)\n", "  head = Linear(width, \n", "Linear(width, "),
        ("    let features = x |> stem |> relu\n", "    let features = glob\n", "= glob"),
        ("    let features = x |> stem |> relu\n", "    let features = x |> head.\n", "head."),
        ("use parts.blocks.Stem\n", "use parts.blocks.Stem\nuse std.optim.\n", "std.optim."),
        ("entry large", "mod\nentry large", "\nmod"),
    ];
    let mut offered = vec![];
    for (whole, broken, before) in cases {
        let text = SPEC.replace(whole, broken);
        client.change("net.vspec", &text);
        let at = client::position(&text, before, before.len());
        let params = json!({ "textDocument": client.document("net.vspec"), "position": at });
        let answer = client.request("textDocument/completion", params);
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        let labels: Vec<&str> = items.iter().filter_map(|i| i["label"].as_str()).collect();
        for wanted in ["bias =", "global_avg_pool", "width", "weight", "sgd", "module"] {
            if labels.contains(&wanted) {
                offered.push(json!({ "at": broken.trim(), "offers": wanted }));
            }
        }
        let first: Vec<&Value> = items.iter().take(4).map(|i| &i["label"]).collect();
        offered.push(json!({ "at": broken.trim(), "first": first, "many": items.len() > 50 }));
    }
    snapshot("completion", &Value::Array(offered));
    client.finish();
}

#[test]
fn a_broken_item_still_answers_from_before_it_broke() {
    let mut client = opened();
    let text = SPEC.replace("Linear(width, classes)", "Linear(width, ");
    client.change("net.vspec", &text);
    let hovers = asked(&mut client, &text, &[("features |>", 1), ("Stem(width)", 1)], |c, at| {
        let hover = c.request(
            "textDocument/hover",
            json!({ "textDocument": c.document("net.vspec"), "position": at }),
        );
        json!([hover["contents"]["value"], hover["range"]])
    });
    let found = asked(&mut client, &text, &[("features |>", 1), ("stem |> relu", 0)], |c, at| {
        c.request(
            "textDocument/definition",
            json!({ "textDocument": c.document("net.vspec"), "position": at }),
        )
    });
    snapshot("broken", &client.redacted(json!({ "hover": hovers, "definition": found })));
    client.finish();
}

#[test]
fn documents_are_formatted_and_outlined() {
    let mut client = opened();
    client.change(
        "net.vspec",
        "module  A( n:int ) {\n conv=f( n )\n forward(x: f32[N]) { x }\n}\nentry a = A(1)(f32[2])",
    );
    let document = json!({ "textDocument": client.document("net.vspec"), "options": { "tabSize": 2, "insertSpaces": true } });
    let edits = client.request("textDocument/formatting", document.clone());
    let outline = client.request("textDocument/documentSymbol", document.clone());
    client.change("net.vspec", "module A( {");
    let broken = client.request("textDocument/formatting", document);
    snapshot("format_and_outline", &json!({ "edits": edits, "outline": outline, "broken": broken }));
    client.finish();
}

#[test]
fn bad_messages_are_answered_or_survived() {
    let mut client = Client::start(&[("net.vspec", SPEC)]);
    let early = client.request("textDocument/hover", json!({}));
    client.initialise();
    let unknown = client.request("textDocument/teleport", json!({}));
    let invalid = client.request("textDocument/hover", json!({ "position": "here" }));
    let closed = json!({ "textDocument": { "uri": "file:///nowhere.vspec" }, "position": { "line": 0, "character": 0 } });
    let nowhere = client.request("textDocument/hover", closed);
    client.notify("textDocument/didChange", json!({ "textDocument": 3 }));
    client.notify("no/such/notification", json!(null));
    client.open("net.vspec", "");
    let params =
        json!({ "textDocument": client.document("net.vspec"), "position": { "line": 99, "character": 99 } });
    let beyond = client.request("textDocument/completion", params);
    let all = json!({
        "before initialize": early["code"], "unknown method": unknown, "invalid parameters": invalid["code"],
        "closed document": nowhere, "beyond the text": beyond["isIncomplete"],
    });
    snapshot("bad_messages", &all);
    client.finish();
}

#[test]
fn a_client_that_leaves_without_shutdown_is_noticed() {
    let mut client = Client::start(&[]);
    client.initialise();
    client.notify("exit", Value::Null);
    assert_eq!(client.wait(), Some(1));
}

/// The largest file of the library, as its author would open it.
fn cin() -> (Client, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../stdlib/papers/cin.vspec");
    let text = std::fs::read_to_string(path).expect("readable");
    let mut client = Client::start(&[("cin.vspec", &text)]);
    client.initialise();
    client.open("cin.vspec", &text);
    (client, text)
}

#[test]
fn a_paper_can_be_read_and_changed_in_an_editor() {
    let (mut client, text) = cin();
    let clean = client.diagnostics("cin.vspec");
    let hovered = [
        ("gram = scale", 0),
        ("softmax(if", 1),
        ("let x = rearrange", 4),
        ("w = channel_weights(x, scale", 0),
        ("y = mix_channels", 0),
        ("z = combine", 0),
        ("phi\n", 0),
    ];
    let hovers = asked(&mut client, &text, &hovered, |c, at| {
        let hover = c.request(
            "textDocument/hover",
            json!({ "textDocument": c.document("cin.vspec"), "position": at }),
        );
        hover["contents"]["value"].clone()
    });
    let places = [("mix_channels(w", 3), ("phi\n", 0), ("gram_scale, positive", 2), ("global_avg_pool}", 0)];
    let found = asked(&mut client, &text, &places, |c, at| {
        c.request(
            "textDocument/definition",
            json!({ "textDocument": c.document("cin.vspec"), "position": at }),
        )
    });
    client.change("cin.vspec", &text.replace("x + rearrange(map, \"b c h w -> b c (h w)\")", "x + map"));
    let wrong = client.diagnostics("cin.vspec");
    client.change("cin.vspec", &text);
    let whole_again = client.diagnostics("cin.vspec");
    let found = client.redacted(found);
    let wrong = client.redacted(wrong);
    snapshot(
        "cin",
        &json!({ "clean": clean, "hover": hovers, "definition": found, "wrong": wrong, "whole again": whole_again }),
    );
    client.finish();
}
