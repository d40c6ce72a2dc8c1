"""Tools of a loan application: what was said is kept, and what is missing is named."""

from __future__ import annotations

import jurat.sdk as p

from .records import record, records

DOCUMENTS = ("pay stubs", "tax returns", "bank statements")


@p.tool
async def collect_basic_info(
    context: p.ToolContext, income: int, employment: str, credit_score: int
) -> p.ToolResult:
    """Keep the income, the employment and the credit score of an applicant."""
    applicant = {"session": context.session_id, "income": income, "employment": employment, "credit_score": credit_score}
    await record("applicant", applicant)
    qualifies = income >= 24_000 and credit_score >= 600
    return p.ToolResult("Qualifies for pre-approval." if qualifies else "Does not qualify.", data={"qualifies": qualifies})


@p.tool
async def document_checklist(context: p.ToolContext) -> p.ToolResult:
    """Say which documents the conversation has not named yet."""
    said = " ".join(each.text.casefold() for each in context.conversation_history if each.role == "customer")
    missing = [each for each in DOCUMENTS if each not in said]
    return p.ToolResult(f"Still needed: {', '.join(missing)}" if missing else "All documents are there.", data=missing)


@p.tool
async def application_form_helper(context: p.ToolContext) -> p.ToolResult:
    """Fill in the form from what was collected, and submit it."""
    collected = [each for each in await records("applicant") if each["session"] == context.session_id]
    if not collected:
        return p.ToolResult("Nothing was collected yet.", error=True)
    await record("application", collected[-1])
    return p.ToolResult("The application was submitted.", data=collected[-1])
