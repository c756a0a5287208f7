"""The function of conversations, recipes and plain chat; and what of them the worker has to do with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from darkroom.adapters.conversation_store import DynamoConversationStore
from darkroom.adapters.recipe_store import DynamoRecipeStore
from darkroom.adapters.url_fetcher import HttpUrlFetcher
from darkroom.bootstrap._base import (
    Stores,
    alarm,
    budgets,
    callers,
    cursors,
    now,
    providers,
    stores,
    url_guard,
)
from darkroom.bootstrap._catalogue import catalogue
from darkroom.bootstrap._paid import (
    AnswerServices,
    admission,
    answering,
    check_webhook,
    job_queue,
    quotes,
    render_queue,
    settlement,
)
from darkroom.models.conversation import Conversation
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.cursors import Cursors
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.complete import Complete
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.painting import Painting
from darkroom.services.conversations.planner import Planner
from darkroom.services.conversations.planning import Planning
from darkroom.services.conversations.turn_cancel import TurnCancel
from darkroom.services.conversations.turn_cost import TurnCosts
from darkroom.services.conversations.turn_render import TurnRender
from darkroom.services.conversations.turns import Turns
from darkroom.services.inputs.inputs import Inputs
from darkroom.services.inputs.sources import Sources
from darkroom.services.paid.admission import Admission
from darkroom.services.recipes.batch_pricing import BatchPricing
from darkroom.services.recipes.recipes import Recipes
from darkroom.services.recipes.render import Render
from darkroom.services.selection.chat_models import ChatModels
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class ChatServices:
    callers: Callers
    conversations: Conversations
    turns: Turns
    complete: Complete
    recipes: Recipes
    answering: AnswerServices
    cursors: Cursors


def chat(environ: Mapping[str, str]) -> ChatServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    admitted, published = admission(settings, behind), catalogue(settings, behind)
    cancel = TurnCancel(behind.jobs, settlement(settings, behind).cancel, now)
    return ChatServices(
        callers=callers(settings, behind),
        conversations=conversations(settings, behind, cancel_turns=cancel.of),
        turns=turns(settings, behind, admitted, published),
        complete=Complete(
            admitted,
            chat_models(settings, published),
            behind.images,
            url_guard(settings).check,
            check_webhook(settings),
        ),
        recipes=recipes(settings, behind, published),
        answering=answering(settings, behind),
        cursors=cursors(settings, behind),
    )


def turns(settings: Settings, behind: Stores, admitted: Admission, published: Catalogue) -> Turns:
    render = Render(behind.images, sources(settings, behind), settings.max_megapixels)
    planner, talked = Planner(), conversations(settings, behind)
    planning = Planning(planner, chat_models(settings, published), behind.settings, behind.images, now)
    return Turns(
        conversations=talked,
        planner=planner,
        planning=planning,
        painting=painting(settings, behind, published),
        rendering=TurnRender(behind.jobs, job_queue(settings), render, now),
        costs=TurnCosts(talked, behind.jobs, planning.warn_at_cost),
        render_queue=render_queue(settings),
        admission=admitted,
        jobs=behind.jobs,
        clock=now,
    )


def painting(settings: Settings, behind: Stores, published: Catalogue) -> Painting:
    return Painting(
        quotes(settings, behind, published),
        budgets(settings, behind),
        providers(settings, behind),
        now,
    )


def conversations(
    settings: Settings, behind: Stores, *, cancel_turns: Callable[[Conversation], object] = lambda _conversation: None
) -> Conversations:
    return Conversations(
        DynamoConversationStore(settings.table, behind.dynamodb),
        behind.images,
        Inputs(sources(settings, behind), behind.images, max_megapixels=settings.max_megapixels),
        now,
        retention=settings.retention,
        settings=behind.settings.load,
        cancel_turns=cancel_turns,
    )


def recipes(settings: Settings, behind: Stores, published: Catalogue) -> Recipes:
    return Recipes(
        store=DynamoRecipeStore(settings.table, behind.dynamodb),
        images=behind.images,
        jobs=behind.jobs,
        queue=render_queue(settings),
        clock=now,
        retention=settings.retention,
        alarm=alarm,
        max_megapixels=settings.max_megapixels,
        pricing=batch_pricing(settings, behind, published),
        settings=behind.settings.load,
    )


def batch_pricing(settings: Settings, behind: Stores, published: Catalogue) -> BatchPricing:
    return BatchPricing(
        quotes(settings, behind, published), budgets(settings, behind), providers(settings, behind), now
    )


def sources(settings: Settings, behind: Stores) -> Sources:
    return Sources(behind.images, HttpUrlFetcher(url_guard(settings)), behind.jobs)


def chat_models(settings: Settings, published: Catalogue) -> ChatModels:
    return ChatModels(published, default=settings.chat_model)
