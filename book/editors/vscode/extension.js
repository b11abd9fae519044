// Starts `vspecc lsp` for .vspec files and stops it with the editor.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function activate() {
  const settings = vscode.workspace.getConfiguration("vspec");
  const data = settings.get("data");
  const env = data ? { ...process.env, VSPEC_DATA: data } : process.env;
  const server = { command: settings.get("path"), args: ["lsp"], options: { env } };
  const documents = [{ language: "vspec" }];
  const watcher = vscode.workspace.createFileSystemWatcher("**/*.vspec");
  const options = { documentSelector: documents, synchronize: { fileEvents: watcher } };
  client = new LanguageClient("vspec", "vspec", server, options);
  return client.start();
}

function deactivate() {
  return client && client.stop();
}

module.exports = { activate, deactivate };
