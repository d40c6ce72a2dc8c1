"""What conversations rest on besides the policy: customers, variables, terms, retrievers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jurat.engine.session import Session
from jurat.server.sdk import given
from jurat.server.sdk.calls import explained
from jurat.server.sdk.customers import GUEST, Customer, Customers, Term
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError, unknown
from jurat.server.sdk.relations import Tag, tag_names
from jurat.server.sdk.retrieving import Retriever
from jurat.server.sdk.stores import Stores
from jurat.server.sdk.tool import ToolEntry, check_tool
from jurat.server.sdk.variables import Freshness, Variable

if TYPE_CHECKING:
    from jurat.server.sdk.agents import Agent


@explained
class Background:
    """The part of a server that no proof is about."""

    document: Document
    stores: Stores

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        """By id."""

        self.terms: list[Term] = []
        self.retrievers: list[Retriever] = []
        self._customers = Customers(self.stores.customers, lambda tags: tag_names(self.document, tags))

    async def create_customer(
        self,
        name: str,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[Tag | str] = (),
        id: str | None = None,
    ) -> Customer:
        """A customer whom sessions can be with. One whom the store knows by the ``id`` from an earlier run is that customer:
        name and tags are as given here, and of the metadata what is given here.

        Raises:
            SDKError: what is wrong with it, or this program has given the id to another one.
        """
        return await self._customers.create(name, metadata, id, tags)

    async def list_customers(self) -> list[Customer]:
        """All customers, the guest first and the others by id."""
        return await self._customers.all()

    async def find_customer(self, *, id: str | None = None, name: str | None = None) -> Customer | None:
        """The customer with an id, or else the first with a name."""
        return await self._customers.get(id) if id is not None else await self._customers.named(name or "")

    async def get_customer(self, *, id: str) -> Customer:
        """The customer with an id.

        Raises:
            SDKError: there is none.
        """
        found = await self._customers.get(id)
        if found is None:
            raise unknown("customer", id, [])
        return found

    async def delete_customer(self, *, id: str) -> None:
        """Forget a customer, and the values that variables have for them. Conversations stay."""
        await self._customers.remove(id)

    async def customer_data(self, id_: str) -> Mapping[str, Any] | None:
        """What tools are told of a customer; None of one who is not known."""
        found = await self._customers.get(id_)
        return None if found is None else found.data()

    async def customer_of(self, session: Session) -> Customer:
        """Whom a session is with."""
        return await self._customers.get(str(session.customer.get("id", GUEST))) or Customer.guest

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

        What it has said counts until the next time of a cron rule (``freshness_rules``, in UTC), or for
        ``freshness_seconds``; with neither it is asked in every turn.

        An ``agent``'s is its own, and another agent can have one of the same name.

        Raises:
            SDKError: the name is taken, the rule is none, or the tool asks for arguments, changes the world or has a guard.
        """
        name = given.text(name, "`name`")
        owner = agent.id if agent else None
        self._refuse_taken(name, owner)
        fresh = Freshness(freshness_seconds, freshness_rules)
        if tool is not None:
            _refuse_as_source(check_tool(tool, "`tool`"))
        elif not fresh.none:
            raise SDKError("freshness is of what a `tool` says, and there is none")
        found = Variable(name, self.stores.variables, description, tool, fresh, owner)
        return self.variables.setdefault(found.id, found)

    def _refuse_taken(self, name: str, owner: str | None) -> None:
        for each in self.variables.values():
            if each.name == name and each.agent_id is None:
                raise SDKError(f"there is a variable `{name}` already, which every agent has")
            if each.name == name and owner in (None, each.agent_id):
                advice = "" if owner else "; `server.create_variable` declares one for all of them"
                raise SDKError(f"the agent `{each.agent_id}` has a variable `{name}` already{advice}")

    def variables_of(self, agent_id: str) -> dict[str, Variable]:
        """The variables of an agent, with those that all have, by name."""
        return {each.name: each for each in self.variables.values() if each.agent_id in (None, agent_id)}

    async def list_variables(self) -> list[Variable]:
        """All variables."""
        return list(self.variables.values())

    async def find_variable(self, *, name: str | None = None, id: str | None = None) -> Variable | None:
        """The variable of a name or an id, if there is one.

        Raises:
            SDKError: several agents have one of that name.
        """
        found = [each for each in self.variables.values() if (each.id if id is not None else each.name) == (id or name)]
        if len(found) > 1:
            raise SDKError(f"several agents have a variable `{name}`; ask one of them: `agent.find_variable`")
        return found[0] if found else None

    async def get_variable(self, *, name: str | None = None, id: str | None = None) -> Variable:
        """The variable of a name or an id.

        Raises:
            SDKError: there is none, or several agents have one of that name.
        """
        found = await self.find_variable(name=name, id=id)
        if found is None:
            raise unknown("variable", id or name or "", self.variables)
        return found

    async def create_term(
        self, name: str, description: str, id: str | None = None, synonyms: Sequence[str] = (), *, agent: Agent | None = None
    ) -> Term:  # fmt: skip
        """A word of the trade, which the model is told where a conversation speaks of it. Its ``id`` is for the program."""
        if id is not None and not isinstance(id, str):
            raise SDKError(f"`id` is a text, not `{given.shown(id)}`; synonyms are given by name: `synonyms=`")
        words = tuple(given.text(each, "a synonym") for each in given.sequence(synonyms, "`synonyms`"))
        term = Term(
            given.text(name, "`name`"), given.text(description, "`description`"), words, agent.id if agent else None
        )
        self.terms.append(term)
        return term


def _refuse_as_source(tool: ToolEntry) -> None:
    if tool.consequential or tool.guard:
        raise SDKError(f"`{tool.name}` cannot say a variable: it is consequential or guarded, and would run unasked")
    if tool.tool is None:
        raise SDKError(f"`{tool.name}` cannot say a variable: it is elsewhere, and only functions of the program can")
    if any(each.is_required() for each in tool.tool.arguments.model_fields.values()):
        raise SDKError(f"`{tool.name}` cannot say a variable: it asks for arguments, and nobody gives any")
