//! Files: reading, parsing, and which names each one sees.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_syntax::ast::{self, Item, ItemKind, MemberKind};
use vspec_syntax::{Diagnostic, Sources, Span, did_you_mean};

use crate::names::pattern_names;
use crate::stdlib::{self, LibraryFile};
use crate::value::Value;
use crate::{World, codes};

/// A function with the file that it was written in.
#[derive(Debug)]
pub(crate) struct FnItem {
    pub(crate) def: ast::FnDef,
    pub(crate) file: Rc<FileScope>,
}

/// A module with the file that it was written in.
#[derive(Debug)]
pub(crate) struct ModuleItem {
    pub(crate) def: ast::ModuleDef,
    pub(crate) file: Rc<FileScope>,
    /// The definitions in its members, for all of its instances.
    pub(crate) shared: SharedMembers,
}

/// Definitions that each instance of a module refers to, in written order: copying trees for each would take longer than
/// everything else that is done with them.
#[derive(Debug, Default)]
pub(crate) struct SharedMembers {
    pub(crate) methods: Vec<Rc<ast::FnDef>>,
    pub(crate) variables: Vec<Rc<ast::VarDef>>,
}

impl SharedMembers {
    fn of(members: &[ast::Member]) -> Self {
        let mut shared = SharedMembers::default();
        for member in members {
            match &member.kind {
                MemberKind::Method(def) => shared.methods.push(Rc::new(def.clone())),
                MemberKind::Param(def) | MemberKind::State(def) | MemberKind::Const(def) => {
                    shared.variables.push(Rc::new(def.clone()));
                }
                _ => {}
            }
        }
        shared
    }
}

/// A loss with the file that it was written in.
#[derive(Debug)]
pub(crate) struct LossItem {
    pub(crate) def: ast::LossDef,
    pub(crate) file: Rc<FileScope>,
}

/// An optimizer with the file that it was written in.
#[derive(Debug)]
pub(crate) struct OptimizerItem {
    pub(crate) def: ast::OptimizerDef,
    pub(crate) file: Rc<FileScope>,
}

/// An assignment rule with the file that it was written in.
#[derive(Debug)]
pub(crate) struct AssignItem {
    pub(crate) def: ast::AssignDef,
    pub(crate) file: Rc<FileScope>,
}

/// A named item.
#[derive(Debug, Clone)]
pub(crate) enum Definition {
    Function(Rc<FnItem>),
    Module(Rc<ModuleItem>),
    Loss(Rc<LossItem>),
    Optimizer(Rc<OptimizerItem>),
    Assign(Rc<AssignItem>),
    Record(Rc<ast::RecordDef>),
    /// A constant, evaluated when it is first used.
    Constant(Rc<Constant>),
    /// An item or an import with errors, which have been reported: nothing is said about its uses.
    Broken,
}

/// `let NAME = ..` at the top of a file.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) name: ast::Ident,
    pub(crate) def: ast::Let,
    pub(crate) file: Rc<FileScope>,
    pub(crate) value: RefCell<Option<Value>>,
}

/// A loaded file.
#[derive(Debug)]
pub(crate) struct FileScope {
    pub(crate) name: Arc<str>,
    pub(crate) ast: Arc<ast::File>,
    definitions: RefCell<IndexMap<Arc<str>, Definition>>,
}

impl FileScope {
    /// What a name of this file, or one that it uses, stands for.
    pub(crate) fn definition(&self, name: &str) -> Option<Definition> {
        self.definitions.borrow().get(name).cloned()
    }

    /// Names whose definitions have errors.
    pub(crate) fn broken(&self) -> Vec<Arc<str>> {
        let definitions = self.definitions.borrow();
        let broken = definitions.iter().filter(|(_, d)| matches!(d, Definition::Broken));
        broken.map(|(name, _)| name.clone()).collect()
    }

    /// Its constants and those that it uses.
    pub(crate) fn constants(&self) -> Vec<Rc<Constant>> {
        let definitions = self.definitions.borrow();
        let constant = |definition: &Definition| match definition {
            Definition::Constant(constant) => Some(constant.clone()),
            _ => None,
        };
        definitions.values().filter_map(constant).collect()
    }

    /// Every name that it defines or uses.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.definitions.borrow().keys().cloned().collect()
    }
}

/// Reads files and remembers them.
pub(crate) struct Loader<'w> {
    world: &'w dyn World,
    pub(crate) sources: Sources,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Finished files by name.
    loaded: IndexMap<String, Rc<FileScope>>,
    /// Files that are being read, outermost first.
    open: Vec<String>,
}

/// The longest chain of files that use each other.
const MAX_USE_DEPTH: usize = 64;

impl<'w> Loader<'w> {
    pub(crate) fn new(world: &'w dyn World) -> Self {
        Loader {
            world,
            sources: Sources::default(),
            diagnostics: vec![],
            loaded: IndexMap::new(),
            open: vec![],
        }
    }

    pub(crate) fn world(&self) -> &'w dyn World {
        self.world
    }

    /// Parses a text and loads what it uses.
    pub(crate) fn load(&mut self, name: &str, text: &str) -> Rc<FileScope> {
        let id = self.sources.add(name, text);
        let (ast, diagnostics) = vspec_syntax::parse(id, text);
        self.enter(name, text, Arc::new(ast), diagnostics)
    }

    /// Loads what a parsed text uses.
    fn enter(
        &mut self,
        name: &str,
        text: &str,
        ast: Arc<ast::File>,
        diagnostics: Vec<Diagnostic>,
    ) -> Rc<FileScope> {
        let unread = if diagnostics.iter().any(Diagnostic::is_error) { text } else { "" };
        self.diagnostics.extend(diagnostics);
        self.open.push(name.to_string());
        let scope = Rc::new(FileScope { name: name.into(), ast, definitions: RefCell::default() });
        for item in &scope.ast.items {
            self.define(&scope, item);
        }
        for name in stdlib::definitions(unread).chain(imported(unread)) {
            scope.definitions.borrow_mut().entry(name.into()).or_insert(Definition::Broken);
        }
        self.open.pop();
        self.loaded.insert(name.to_string(), scope.clone());
        scope
    }

    /// The files of the package that were read.
    pub(crate) fn own_files(&self) -> Vec<Rc<FileScope>> {
        self.loaded.values().filter(|file| !stdlib::is_own_name(&file.name)).cloned().collect()
    }

    /// Whether a place lies in the standard library.
    pub(crate) fn in_library(&self, span: Span) -> bool {
        self.sources.get(span.file).is_some_and(|source| stdlib::is_own_name(&source.name))
    }

    /// A definition that every file sees.
    pub(crate) fn prelude(&mut self, name: &str) -> Option<Definition> {
        self.library(stdlib::defining("prelude", name)?)?.definition(name)
    }

    /// A file of the standard library; `None` while it is being loaded itself.
    pub(crate) fn library(&mut self, file: LibraryFile) -> Option<Rc<FileScope>> {
        let name = file.name();
        match self.loaded.get(&name) {
            Some(file) => Some(file.clone()),
            None if self.open.contains(&name) => None,
            None => Some(self.load_library(&name, file)),
        }
    }

    fn load_library(&mut self, name: &str, file: LibraryFile) -> Rc<FileScope> {
        self.sources.add_shared(file.id(), name, file.text());
        let (ast, diagnostics) = file.parsed();
        self.enter(name, file.text(), ast.clone(), diagnostics.clone())
    }

    fn define(&mut self, scope: &Rc<FileScope>, item: &Item) {
        let file = scope.clone();
        let (name, definition) = match &item.kind {
            ItemKind::Use(u) => return self.import(scope, u),
            ItemKind::Entry(_) | ItemKind::Experiment(_) | ItemKind::Test(_) => return,
            ItemKind::Fn(def) => {
                (&def.name, Definition::Function(Rc::new(FnItem { def: def.clone(), file })))
            }
            ItemKind::Module(def) => {
                let shared = SharedMembers::of(&def.members);
                (&def.name, Definition::Module(Rc::new(ModuleItem { def: def.clone(), file, shared })))
            }
            ItemKind::Loss(def) => {
                (&def.name, Definition::Loss(Rc::new(LossItem { def: def.clone(), file })))
            }
            ItemKind::Optimizer(def) => {
                (&def.name, Definition::Optimizer(Rc::new(OptimizerItem { def: def.clone(), file })))
            }
            ItemKind::Assign(def) => {
                (&def.name, Definition::Assign(Rc::new(AssignItem { def: def.clone(), file })))
            }
            ItemKind::Record(def) => (&def.name, Definition::Record(Rc::new(def.clone()))),
            ItemKind::Let(def) => {
                let ast::Pattern::Name(name) = &def.pattern else { return self.taken_apart(scope, def) };
                let (def, value) = (def.clone(), RefCell::default());
                let constant = Constant { name: name.clone(), def, file, value };
                (name, Definition::Constant(Rc::new(constant)))
            }
        };
        scope.definitions.borrow_mut().entry(name.name.clone()).or_insert(definition);
    }

    /// A constant has one name.
    fn taken_apart(&mut self, scope: &Rc<FileScope>, def: &ast::Let) {
        let names = pattern_names(&def.pattern);
        let span = |name: Option<&&ast::Ident>| name.map_or(def.value.span, |name| name.span);
        let (first, last) = (span(names.first()), span(names.last()));
        let message = "a `let` at the top of a file binds one name";
        let error = Diagnostic::error(codes::WRONG_PLACE, first.to(last), message);
        self.diagnostics.push(error.hint("give the whole a name, and take it apart where it is used"));
        for name in names {
            scope.definitions.borrow_mut().entry(name.name.clone()).or_insert(Definition::Broken);
        }
    }

    fn import(&mut self, scope: &Rc<FileScope>, u: &ast::Use) {
        let Some(first) = u.path.first() else { return };
        for (name, rename) in &u.names {
            let found = match &*first.name {
                "std" => self.import_library(u, name),
                _ => self.import_file(u, name),
            };
            let definition = found.unwrap_or_else(|diagnostic| {
                self.report_once(*diagnostic);
                Definition::Broken
            });
            let local = rename.as_ref().unwrap_or(name).name.clone();
            scope.definitions.borrow_mut().insert(local, definition);
        }
    }

    /// One missing file is one message, however many names are taken from it.
    fn report_once(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    fn import_library(&mut self, u: &ast::Use, name: &ast::Ident) -> Result<Definition, Box<Diagnostic>> {
        let folder = u.path[1..].iter().map(|i| &*i.name).collect::<Vec<_>>().join(".");
        if !stdlib::exists(&folder) {
            let message = format!("the standard library has no `{folder}`");
            let folders = stdlib::folders();
            let error = suggesting(codes::UNKNOWN_FILE, path_span(u), message, &folder, folders.clone());
            let all = folders.into_iter().collect::<Vec<_>>().join(", ");
            return Err(match error.hint {
                Some(_) => error,
                None => Box::new(error.hint(format!("it has {all}"))),
            });
        }
        let Some(found) = stdlib::defining(&folder, &name.name) else {
            let message = format!("`std.{folder}` has no `{}`", name.name);
            let names = stdlib::names(&folder);
            return Err(suggesting(codes::UNKNOWN_IMPORT, name.span, message, &name.name, names));
        };
        let Some(file) = self.library(found) else {
            return Err(Box::new(self.cyclic(u, &found.name())));
        };
        file.definition(&name.name).ok_or_else(|| {
            let message = format!("`{}` of `{}` cannot be used: it has errors", name.name, file.name);
            Box::new(Diagnostic::error(codes::UNKNOWN_IMPORT, name.span, message))
        })
    }

    fn import_file(&mut self, u: &ast::Use, name: &ast::Ident) -> Result<Definition, Box<Diagnostic>> {
        let path: PathBuf = u.path.iter().map(|i| &*i.name).collect();
        let path = path.with_extension("vspec");
        let key = path.display().to_string();
        let file = match self.loaded.get(&key) {
            Some(file) => file.clone(),
            None => self.read(u, &path, &key)?,
        };
        file.definition(&name.name).ok_or_else(|| {
            let message = format!("`{key}` has no `{}`", name.name);
            let names = file.names();
            suggesting(codes::UNKNOWN_IMPORT, name.span, message, &name.name, names.iter().map(|n| &**n))
        })
    }

    fn read(
        &mut self,
        u: &ast::Use,
        path: &std::path::Path,
        key: &str,
    ) -> Result<Rc<FileScope>, Box<Diagnostic>> {
        if self.open.iter().any(|f| f == key) || self.open.len() > MAX_USE_DEPTH {
            return Err(Box::new(self.cyclic(u, key)));
        }
        match self.world.read(path) {
            Ok(text) => Ok(self.load(key, &text)),
            Err(reason) => Err(Box::new(
                Diagnostic::error(codes::UNKNOWN_FILE, path_span(u), format!("cannot read `{key}`: {reason}"))
                    .hint("a `use` path is relative to the package: the folder of the nearest `vspec.toml`, else the file's own"),
            )),
        }
    }

    fn cyclic(&self, u: &ast::Use, key: &str) -> Diagnostic {
        let start = self.open.iter().position(|f| f == key).unwrap_or(0);
        let mut circle: Vec<&str> = self.open.iter().skip(start).map(String::as_str).collect();
        circle.push(key);
        Diagnostic::error(codes::CYCLIC_USE, path_span(u), "files use each other in a circle")
            .label(circle.join(" -> "))
            .hint("move what both need into a third file")
    }

    /// The main file, under the name by which other files of its package may use it.
    pub(crate) fn load_main(&mut self, path: &std::path::Path, text: &str) -> Rc<FileScope> {
        self.load(&path.display().to_string(), text)
    }
}

impl Drop for Loader<'_> {
    /// Definitions point back at their files; without this, no file would ever be freed.
    fn drop(&mut self) {
        for file in self.loaded.values() {
            file.definitions.borrow_mut().clear();
        }
    }
}

/// Words of the lines that import something: with syntax errors among them, any may be a name of the file.
fn imported(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("use "));
    lines
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|word| !word.is_empty())
}

fn path_span(u: &ast::Use) -> Span {
    let first = u.path.first().map_or(Span::default(), |i| i.span);
    u.path.last().map_or(first, |last| first.to(last.span))
}

fn suggesting<'a>(
    code: &'static str,
    span: Span,
    message: String,
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::error(code, span, message);
    Box::new(match did_you_mean(name, candidates) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
        None => diagnostic,
    })
}
