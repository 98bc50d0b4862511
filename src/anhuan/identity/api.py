"""Room identity as JSON: one router for each of its nouns."""

from fastapi import APIRouter

from anhuan.identity import api_consent, api_limits

router = APIRouter()
for noun in (
    api_consent,
    api_limits,
):
    router.include_router(noun.router)
