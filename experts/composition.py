"""The composition of a committee (招标投标法 第三十七条): odd, at least five, experts at least two thirds. Pure."""

from kernel.errors import GgzyError, Kind
from trading.rulepack import Pack


def refuse(experts: int, representatives: int, pack: Pack) -> GgzyError | None:
    """Return why a committee of so many experts and representatives of the purchaser may not be formed, or None."""
    total = experts + representatives
    if total < pack.value("committee.minimum"):
        rule = pack.rule("committee.minimum")
        return GgzyError("committee.too_small", Kind.CONFLICT, members=total, minimum=rule.value, article=rule.article)
    if pack.value("committee.odd") and total % 2 == 0:
        return GgzyError("committee.even", Kind.CONFLICT, members=total, article=pack.rule("committee.odd").article)
    numerator, denominator = pack.value("committee.experts_numerator"), pack.value("committee.experts_denominator")
    if experts * denominator < total * numerator:
        article = pack.rule("committee.experts_numerator").article
        return GgzyError("committee.too_few_experts", Kind.CONFLICT, experts=experts, members=total, article=article)
    return None
