"""The plan as pages: what to pay when, what it costs, what happens if; and the files to take away."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
