//! The generated parser and what its rules are called in messages.

use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "grammar.pest"]
pub(crate) struct Grammar;

impl Rule {
    /// Whether the rule is a word or a mark that carries nothing into the tree.
    pub(crate) fn is_mark(self) -> bool {
        use Rule::*;
        let punctuation = matches!(
            self,
            eq | colon
                | comma
                | dot
                | arrow
                | lparen
                | rparen
                | lbracket
                | rbracket
                | lbrace
                | rbrace
                | sep
                | field_sep
                | pipe
                | EOI
        );
        punctuation || self.is_keyword() && !matches!(self, kw_epochs | kw_iterations | kw_lowest)
    }

    fn is_keyword(self) -> bool {
        use Rule::*;
        matches!(
            self,
            kw_use
                | kw_as
                | kw_let
                | kw_if
                | kw_else
                | kw_for
                | kw_in
                | kw_fold
                | kw_with
                | kw_fn
                | kw_host
                | kw_record
                | kw_module
                | kw_loss
                | kw_optimizer
                | kw_experiment
                | kw_entry
                | kw_gradient
                | kw_on
                | kw_over
                | kw_to
                | kw_by
                | kw_of
                | kw_or
                | kw_from
                | kw_every
                | kw_best
                | kw_when
                | kw_unimproved
                | kw_until
                | kw_reset
                | kw_epochs
                | kw_iterations
                | kw_param
                | kw_state
                | kw_const
                | kw_term
                | kw_collect
                | kw_data
                | kw_step
                | kw_update
                | kw_report
                | kw_apply
                | kw_shape
                | kw_run
                | kw_repeat
                | kw_require
                | kw_assert
                | kw_minimize
                | kw_expect
                | kw_table
                | kw_test
                | kw_finish
                | kw_keep
                | kw_last
                | kw_stop
                | kw_per
                | kw_lowest
                | kw_highest
                | kw_assign
                | kw_rows
                | kw_cols
                | kw_where
                | kw_minimizing
                | kw_one_to_one
                | kw_positives
                | kw_negatives
                | kw_pick
                | kw_resolve
                | kw_ignore
                | kw_sample
                | kw_give
                | kw_weight
        )
    }

    /// Whether the rule is an operator or another continuation of a complete operand.
    pub(crate) fn is_infix(self) -> bool {
        use Rule::*;
        matches!(
            self,
            or_op
                | and_op
                | equals
                | unequal
                | le
                | ge
                | lt
                | gt
                | range
                | add
                | sub
                | mul
                | floor_div
                | div
                | rem
                | pow
        )
    }

    /// Whether the rule stands beside an operand rather than for one.
    pub(crate) fn is_operator(self) -> bool {
        self.is_infix() || matches!(self, Rule::neg | Rule::not | Rule::field | Rule::call | Rule::index)
    }

    /// What messages call the rule when it was expected; `None` when naming it would not help.
    pub(crate) fn described(self) -> Option<&'static str> {
        use Rule::*;
        Some(match self {
            name | pattern => "a name",
            expr | changed | simple | tested | arg | list_item | index_arg | paren => "an expression",
            expr_statement => "a statement",
            type_expr | named_type => "a type",
            dim => "a size",
            string => "a string in quotes",
            block | lbrace | phases | members | parts | clauses => "`{`",
            rbrace => "`}`",
            params | lparen | call => "`(`",
            rparen => "`)`",
            lbracket => "`[`",
            rbracket => "`]`",
            eq => "`=`",
            equals => "`==`",
            colon => "`:`",
            comma => "`,`",
            dot => "`.`",
            arrow => "`->`",
            sep => "a new line",
            field_sep => "`,` or a new line",
            param => "a parameter",
            child | method => "a member",
            record_field => "a field",
            column => "a column",
            type_field => "a field with its type",
            record_pattern | tuple_pattern | list_pattern => "a name",
            batch => "`name from data`",
            binding => "`member = value`",
            phase | counted | once | on_part | repeat => "a phase of the run",
            kw_data | data_def | step_def | run_def => "`data`, `let`, `step` or `run`",
            every => "`.. every epoch`",
            keep_last | keep_best => "`keep best by ..`",
            stop_when => "`stop when ..`",
            expect => "`expect ..`",
            pick_one | pick_where | pick_best | kw_pick => "a clause of the rule",
            kw_rows => "`rows a: { .. }`",
            kw_cols => "`cols t: { .. }`",
            kw_where => "`where`",
            kw_per => "`per`",
            kw_minimizing => "`minimizing`",
            pair_side => "`positive` or `negative`",
            at_positives | at_negatives => "`positives <= ..` or `negatives <= ..`",
            kw_in => "`in`",
            kw_by => "`by`",
            kw_over => "`over`",
            kw_to => "`to`",
            kw_of => "`of`",
            kw_on => "`on`",
            kw_with => "`with`",
            kw_from => "`from`",
            kw_gradient => "`gradient`",
            kw_fn => "`fn`",
            kw_every => "`every`",
            kw_until => "`until`",
            kw_reset => "`reset`",
            kw_else => "`else`",
            kw_as => "`as`",
            kw_epochs => "`epochs`",
            kw_iterations => "`iterations`",
            kw_best => "`best`",
            kw_when => "`when`",
            kw_unimproved => "`has not improved`",
            slice => "`:`",
            EOI => "the end of the item",
            _ => return None,
        })
    }
}
