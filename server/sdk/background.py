"""What conversations rest on besides the policy: customers, variables, terms, retrievers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jurat.engine.session import Session
from jurat.server.sdk import given
from jurat.server.sdk.customers import GUEST, Customer, Term, Variable, new_customer
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import NotSupported, SDKError, unknown
from jurat.server.sdk.relations import Tag, tag_names
from jurat.server.sdk.tool import ToolEntry, check_tool

if TYPE_CHECKING:
    from jurat.server.sdk.agents import Agent


class Background:
    """The part of a server that no proof is about."""

    document: Document

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.terms: list[Term] = []
        self.retrievers: list[tuple[Callable[..., Any], str | None]] = []
        self._customers: dict[str, Customer] = {GUEST: Customer.guest}

    async def create_customer(
        self,
        name: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        tags: Sequence[Tag | str] = (),
    ) -> Customer:
        """A customer whom sessions can be with.

        Raises:
            SDKError: what is wrong with it, or the id is taken.
        """
        if id in self._customers:
            raise SDKError(f"`{id}` is already the id of a customer")
        customer = new_customer(name, metadata, id, tuple(tag_names(self.document, tags)))
        self._customers[customer.id] = customer
        return customer

    async def list_customers(self) -> list[Customer]:
        """All customers, the guest included."""
        return list(self._customers.values())

    async def find_customer(self, *, id: str | None = None, name: str | None = None) -> Customer | None:
        """The customer with an id, or else the first with a name."""
        if id is not None:
            return self._customers.get(id)
        return next((each for each in self._customers.values() if each.name == name), None)

    async def get_customer(self, *, id: str) -> Customer:
        """The customer with an id.

        Raises:
            SDKError: there is none.
        """
        if id not in self._customers:
            raise unknown("customer", id, self._customers)
        return self._customers[id]

    def customer_data(self, id_: str) -> Mapping[str, Any] | None:
        """What tools are told of a customer; None of one who is not known."""
        found = self._customers.get(id_)
        return None if found is None else found.data()

    def customer_of(self, session: Session) -> Customer:
        """Whom a session is with."""
        return self._customers.get(str(session.customer.get("id", GUEST)), Customer.guest)

    async def create_variable(
        self,
        name: str,
        description: str = "",
        tool: ToolEntry | None = None,
        freshness_rules: str | None = None,
        *,
        freshness_seconds: float | None = None,
        agent: Agent | None = None,
    ) -> Variable:
        """Something that the model is told of every conversation; a ``tool`` without arguments may say it.

        Raises:
            SDKError: the name is taken, or the tool asks for arguments, changes the world or has a guard.
        """
        name = given.text(name, "`name`")
        if name in self.variables:
            raise SDKError(f"there is a variable `{name}` already")
        if freshness_rules is not None:
            raise NotSupported("`freshness_rules` is not supported; say `freshness_seconds`")
        if tool is not None:
            _refuse_as_source(check_tool(tool, "`tool`"))
        self.variables[name] = Variable(name, description, tool, freshness_seconds, agent.id if agent else None)
        return self.variables[name]

    async def list_variables(self) -> list[Variable]:
        """All variables."""
        return list(self.variables.values())

    async def find_variable(self, *, name: str) -> Variable | None:
        """The variable of a name, if there is one."""
        return self.variables.get(name)

    async def get_variable(self, *, name: str) -> Variable:
        """The variable of a name.

        Raises:
            SDKError: there is none.
        """
        if name not in self.variables:
            raise unknown("variable", name, self.variables)
        return self.variables[name]

    async def create_term(
        self, name: str, description: str, synonyms: Sequence[str] = (), *, agent: Agent | None = None, id: str | None = None  # noqa: ARG002
    ) -> Term:  # fmt: skip
        """A word of the trade, which the model is told where a conversation speaks of it."""
        words = tuple(given.text(each, "a synonym") for each in given.sequence(synonyms, "`synonyms`"))
        term = Term(
            given.text(name, "`name`"), given.text(description, "`description`"), words, agent.id if agent else None
        )
        self.terms.append(term)
        return term

    def add_retriever(self, retriever: Callable[..., Any], agent_id: str | None) -> None:
        """Have a function look up, before each reply of an agent, what the reply may rest on."""
        self.retrievers.append((retriever, agent_id))


def _refuse_as_source(tool: ToolEntry) -> None:
    if tool.consequential or tool.guard:
        raise SDKError(f"`{tool.name}` cannot say a variable: it is consequential or guarded, and would run unasked")
    if any(each.is_required() for each in tool.tool.arguments.model_fields.values()):
        raise SDKError(f"`{tool.name}` cannot say a variable: it asks for arguments, and nobody gives any")
