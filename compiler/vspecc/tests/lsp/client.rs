//! A client of the language server, as small as it can be.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A server process and the folder that its documents are in.
pub(crate) struct Client {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: TempDir,
    id: u64,
    version: u64,
    /// Diagnostics that were published and not asked for yet.
    published: Vec<Value>,
}

impl Client {
    /// Starts a server beside the files of a package.
    pub(crate) fn start(files: &[(&str, &str)]) -> Client {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files.iter().chain(&[("vspec.toml", "")]) {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            std::fs::write(path, text).expect("writable");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_vspecc"));
        command.arg("lsp").env("XDG_CACHE_HOME", folder.path().join("cache")).env_remove("VSPEC_DATA");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Client { process, input, output, folder, id: 0, version: 0, published: vec![] }
    }

    pub(crate) fn initialise(&mut self) {
        let answer =
            self.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} }));
        assert_eq!(answer["serverInfo"]["name"], "vspecc");
        self.notify("initialized", json!({}));
    }

    pub(crate) fn open(&mut self, name: &str, text: &str) {
        let uri = self.uri(name);
        self.version += 1;
        let item = json!({ "uri": uri, "languageId": "vspec", "version": self.version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }

    pub(crate) fn change(&mut self, name: &str, text: &str) {
        self.version += 1;
        let document = json!({ "uri": self.uri(name), "version": self.version });
        let changes = json!([{ "text": text }]);
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    pub(crate) fn document(&self, name: &str) -> Value {
        json!({ "uri": self.uri(name) })
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}", self.folder.path().join(name).display())
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// The result of a request, or its error.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        self.write(&json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params }));
        loop {
            let mut message = self.read();
            if message["id"] == self.id {
                let part = if message["error"].is_null() { "result" } else { "error" };
                return message[part].take();
            }
            self.published.push(message);
        }
    }

    /// The last diagnostics of a document once every change has been looked at.
    pub(crate) fn diagnostics(&mut self, name: &str) -> Value {
        let document = json!({ "textDocument": self.document(name) });
        // Requests are answered after changes before them were analysed.
        self.request("textDocument/documentSymbol", document);
        let uri = self.uri(name);
        let published = self.published.iter().rev().find(|m| m["params"]["uri"] == uri.as_str());
        published.map_or(Value::Null, |m| m["params"]["diagnostics"].clone())
    }

    /// Says goodbye as the protocol wants it.
    pub(crate) fn finish(mut self) {
        assert_eq!(self.request("shutdown", Value::Null), Value::Null);
        self.notify("exit", Value::Null);
        assert_eq!(self.wait(), Some(0));
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.process.wait().expect("it ends").code()
    }

    /// The same without the folder's name and the version of the cached library, and with ranges in one line.
    pub(crate) fn redacted(&self, value: Value) -> Value {
        let mut text = value.to_string().replace(&self.folder.path().display().to_string(), "FOLDER");
        if let Some(start) = text.find("/std-") {
            let hash: String = text[start + 5..].chars().take(16).collect();
            text = text.replace(&hash, "HASH");
        }
        in_lines(serde_json::from_str(&text).expect("json"))
    }

    fn write(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("it listens");
        self.input.flush().expect("it listens");
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("it talks") > 0, "the server has gone away");
            match line.trim().strip_prefix("Content-Length: ") {
                Some(n) => length = n.parse().expect("a number"),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).expect("a whole message");
        serde_json::from_slice(&body).expect("json")
    }
}

/// Ranges as `9:8-9:16`.
pub(crate) fn in_lines(value: Value) -> Value {
    match value {
        Value::Object(map) if map.contains_key("start") && map.contains_key("end") => {
            let place = |p: &Value| format!("{}:{}", p["line"], p["character"]);
            json!(format!("{}-{}", place(&map["start"]), place(&map["end"])))
        }
        Value::Object(map) => map.into_iter().map(|(key, v)| (key, in_lines(v))).collect(),
        Value::Array(items) => items.into_iter().map(in_lines).collect(),
        other => other,
    }
}

/// Where `part` stands in a text, and so many bytes further, as editors count.
pub(crate) fn position(text: &str, part: &str, inside: usize) -> Value {
    let byte = text.find(part).unwrap_or_else(|| panic!("`{part}` is not in the text")) + inside;
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let character: usize = before[line_start..].chars().map(char::len_utf16).sum();
    json!({ "line": before.matches('\n').count(), "character": character })
}
